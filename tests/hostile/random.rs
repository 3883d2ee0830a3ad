//! Random command lines: whatever the bytes, there is one reply, and nothing is executed.

use crate::batch::run;
use crate::host::host_test;
use crate::proof::executed_during;

const SEED: u64 = 0x5eed_0001;
const LINES: usize = 120;

/// Pieces that come near a command line.
const PIECES: [&[u8]; 20] = [
    b"service",
    b"package",
    b"restart",
    b"install",
    b"nginx",
    b"git",
    b"-",
    b"--",
    b"--reason",
    b"--timeout",
    b"--lines",
    b"--via",
    b"=",
    b"upgradex",
    b".service",
    b";id",
    b" ",
    b"\n",
    b"@",
    b"\xff",
];

/// xorshift64*
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn word(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => PIECES[self.below(PIECES.len())].to_vec(),
            1 => (0..self.below(40)).map(|_| 1 + self.below(255) as u8).collect(),
            _ => {
                (0..self.below(5)).flat_map(|_| PIECES[self.below(PIECES.len())].to_vec()).collect()
            }
        }
    }

    /// A line that the policy cannot allow: its last word is a name that nobody has.
    fn line(&mut self) -> String {
        let mut words: Vec<Vec<u8>> = match self.below(3) {
            0 => vec![b"service".to_vec(), b"restart".to_vec()],
            1 => vec![b"package".to_vec(), b"install".to_vec()],
            _ => vec![],
        };
        words.extend((0..self.below(6)).map(|_| self.word()));
        words.push(b"nobody-has-this".to_vec());
        let quoted = |word: &Vec<u8>| {
            let bytes: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("$'{bytes}'")
        };
        words.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

host_test!(random_bytes_are_refused_with_one_reply, ready_test_policy, all, |host| {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let commands: Vec<_> =
        (0..LINES).map(|_| format!("/usr/local/bin/sm-helper {}", random.line())).collect();
    let (answers, executed) = executed_during(host, || run(host, &commands));
    let expected = ["usage", "invalid_argument", "denied"];
    let wrong: Vec<_> = answers
        .iter()
        .filter(|answer| !expected.contains(&&*answer.code()))
        .map(|answer| format!("{}: {}", answer.command, answer.code()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for code in expected {
        assert!(answers.iter().any(|answer| answer.code() == code), "the lines are too tame");
    }
    assert_eq!(executed, Vec::<String>::new());
});
