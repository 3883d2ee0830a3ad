//! A file that gzip has packed (RFC 1952), unpacked from its beginning or from one of several
//! points in it: at such a point a block of deflate (RFC 1951) begins, and it is known what the
//! 32 KiB before it were.

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc, read::DeflateDecoder};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::FileExt;

/// How far back a block can refer, in bytes.
const WINDOW: usize = 32 << 10;

/// How much is unpacked at once.
const ROOM: usize = 256 << 10;

/// How much packed there has to be for that: no byte takes more than 15 bits, and the tables of a
/// block take less than the rest. Unpacking must not run out of it, or bits of it stay behind in
/// the state, which then is at no point.
const NEEDED: usize = 2 * ROOM + (16 << 10);

/// About how far two points are apart, in bytes, unpacked.
pub const APART: u64 = 1 << 20;

/// Where unpacking can begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// How many bytes of the file are before it.
    packed: u64,
    /// How many unpacked bytes are before it.
    pub unpacked: u64,
    /// How many bits of the byte before it belong to what follows, and which.
    bits: u8,
    bit_buffer: u8,
    /// What was unpacked last before it, packed.
    window: Vec<u8>,
}

/// What is unpacked.
pub struct Unpacked<'f> {
    file: &'f File,
    /// Where the file is read next, and what was read and is not used yet.
    at: u64,
    input: Vec<u8>,
    used: usize,
    is_ended: bool,
    inflater: Box<DecompressorOxide>,
    is_inside: bool,
    /// What was unpacked: the window, and behind it what was not taken yet.
    out: Vec<u8>,
    taken: usize,
    end: usize,
    /// How many bytes were unpacked before `end`.
    unpacked: u64,
    /// The checksum and length of a member, if it is unpacked from its beginning.
    crc: Option<Crc>,
    /// The points that were seen, if they are wanted.
    points: Option<Vec<Point>>,
}

impl<'f> Unpacked<'f> {
    /// The whole file. Gives an error where it was damaged; its points are kept.
    pub fn whole(file: &'f File) -> Self {
        Self {
            file,
            at: 0,
            input: Vec::new(),
            used: 0,
            is_ended: false,
            inflater: Box::default(),
            is_inside: false,
            out: vec![0; WINDOW + ROOM],
            taken: 0,
            end: 0,
            unpacked: 0,
            crc: None,
            points: Some(Vec::new()),
        }
    }

    /// What is behind this point.
    ///
    /// # Errors
    /// If it is none.
    pub fn from(file: &'f File, point: &Point) -> io::Result<Self> {
        let mut window = Vec::new();
        DeflateDecoder::new(&*point.window).take(WINDOW as u64 + 1).read_to_end(&mut window)?;
        if window.len() > WINDOW || point.bits > 7 {
            return Err(damaged("it is no point"));
        }
        let mut new = Self { at: point.packed, unpacked: point.unpacked, ..Self::whole(file) };
        new.out[..window.len()].copy_from_slice(&window);
        (new.taken, new.end) = (window.len(), window.len());
        let state = BlockBoundaryState {
            num_bits: point.bits,
            bit_buf: point.bit_buffer,
            ..BlockBoundaryState::default()
        };
        *new.inflater = DecompressorOxide::from_block_boundary_state(&state);
        (new.is_inside, new.points) = (true, None);
        Ok(new)
    }

    /// The points that were passed, in their order.
    pub fn points(&mut self) -> Vec<Point> {
        self.points.take().unwrap_or_default()
    }

    /// What of the file was read and not used, filled up.
    fn input(&mut self) -> io::Result<&[u8]> {
        if !self.is_ended && self.input.len() - self.used < NEEDED {
            self.input.drain(..self.used);
            self.used = 0;
            while self.input.len() < 2 * NEEDED {
                let before = self.input.len();
                self.input.resize(2 * NEEDED, 0);
                let count = self.file.read_at(&mut self.input[before..], self.at)?;
                self.input.truncate(before + count);
                self.at += count as u64;
                if count == 0 {
                    self.is_ended = true;
                    break;
                }
            }
        }
        Ok(&self.input[self.used..])
    }

    /// Unpacks some more; nothing at the end.
    fn fill(&mut self) -> io::Result<()> {
        while self.taken == self.end {
            if !self.is_inside {
                let input = self.input()?;
                if input.is_empty() {
                    return Ok(());
                }
                let length = header(input).ok_or_else(|| damaged("it is no gzip file"))?;
                self.used += length;
                *self.inflater = DecompressorOxide::new();
                (self.is_inside, self.crc) = (true, Some(Crc::new()));
            }
            if self.end > WINDOW {
                self.out.copy_within(self.end - WINDOW..self.end, 0);
                (self.taken, self.end) = (WINDOW, WINDOW);
            }
            self.inflate()?;
        }
        Ok(())
    }

    fn inflate(&mut self) -> io::Result<()> {
        self.input()?;
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
            | TINFL_FLAG_HAS_MORE_INPUT
            | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
        let input = &self.input[self.used..];
        let (status, used, count) =
            decompress(&mut self.inflater, input, &mut self.out, self.end, flags);
        if let Some(crc) = &mut self.crc {
            crc.update(&self.out[self.end..self.end + count]);
        }
        self.used += used;
        self.end += count;
        self.unpacked = self.unpacked.saturating_add(count as u64);
        match status {
            TINFLStatus::HasMoreOutput => Ok(()),
            TINFLStatus::BlockBoundary => self.boundary(),
            TINFLStatus::Done => self.trailer(),
            TINFLStatus::NeedsMoreInput => Err(damaged("it ends too early")),
            _ => Err(damaged("it cannot be unpacked")),
        }
    }

    /// Keeps a point if the last one is far enough away.
    fn boundary(&mut self) -> io::Result<()> {
        let Some(points) = &mut self.points else { return Ok(()) };
        if self.unpacked < points.last().map_or(0, |last| last.unpacked) + APART {
            return Ok(());
        }
        let Some(state) = self.inflater.block_boundary_state() else { return Ok(()) };
        let begin = self.end.saturating_sub(WINDOW);
        let mut window = DeflateEncoder::new(Vec::new(), Compression::fast());
        window.write_all(&self.out[begin..self.end])?;
        points.push(Point {
            packed: self.at - (self.input.len() - self.used) as u64,
            unpacked: self.unpacked,
            bits: state.num_bits,
            bit_buffer: state.bit_buf,
            window: window.finish()?,
        });
        Ok(())
    }

    /// The end of a member: its checksum and its length.
    fn trailer(&mut self) -> io::Result<()> {
        let input = self.input()?;
        let trailer = input.first_chunk::<8>().ok_or_else(|| damaged("it ends too early"))?;
        let [a, b, c, d, e, f, g, h] = *trailer;
        let (sum, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        self.used += trailer.len();
        self.is_inside = false;
        match self.crc.take() {
            Some(crc) if (crc.sum(), crc.amount()) != (sum, length) => {
                Err(damaged("its checksum is another one"))
            }
            _ => Ok(()),
        }
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let count = to.len().min(self.end - self.taken);
        to[..count].copy_from_slice(&self.out[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The length of a member's header (section 2.3).
fn header(input: &[u8]) -> Option<usize> {
    const CHECKSUM: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let flags = match input.first_chunk::<4>()? {
        [0x1f, 0x8b, 8, flags] if flags >> 5 == 0 => *flags,
        _ => return None,
    };
    let mut length = 10;
    if flags & EXTRA != 0 {
        let [low, high] = *input.get(length..)?.first_chunk::<2>()?;
        length += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            length += input.get(length..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    if flags & CHECKSUM != 0 {
        length += 2;
    }
    (length <= input.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use flate2::{GzBuilder, read::MultiGzDecoder};
    use proptest::prelude::*;

    fn file(bytes: &[u8]) -> File {
        let path = std::env::temp_dir().join(format!(
            "sm-gzip-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, bytes).expect("written");
        let file = File::open(&path).expect("a file");
        std::fs::remove_file(&path).expect("removed");
        file
    }

    /// Text that packs well in places, and badly in others.
    fn text(seed: u64, length: usize) -> Vec<u8> {
        let mut state = seed | 1;
        let mut text = Vec::with_capacity(length);
        while text.len() < length {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let word = (state >> 33).to_string();
            let count = if state >> 52 == 0 { 20_000 } else { 1 };
            text.extend_from_slice(word.repeat(count).as_bytes());
        }
        text.truncate(length);
        text
    }

    fn packed(text: &[u8], level: u32) -> Vec<u8> {
        let mut packed = GzBuilder::new()
            .filename("audit.jsonl.1")
            .extra([1, 2, 3])
            .write(Vec::new(), Compression::new(level));
        packed.write_all(text).expect("packed");
        packed.finish().expect("packed")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn from_every_point_the_rest_is_the_same(
            seed: u64, length in 0_usize..6_000_000, cut in 0.0..1.0_f64, level in 0_u32..10,
        ) {
            let text = text(seed, length);
            let (first, second) = text.split_at((length as f64 * cut) as usize);
            // Two members, as `cat` puts them together.
            let file = file(&[packed(first, level), packed(second, level)].concat());
            let mut unpacked = Unpacked::whole(&file);
            let mut all = Vec::new();
            unpacked.read_to_end(&mut all).expect("a gzip file");
            prop_assert!(all == text);
            let points = unpacked.points();
            prop_assert!(points.len() as u64 >= length as u64 / (4 * APART), "{}", points.len());
            for point in &points {
                let mut rest = Vec::new();
                Unpacked::from(&file, point).expect("a point").read_to_end(&mut rest).expect("it");
                prop_assert!(rest == text[point.unpacked as usize..], "{:?}", point.unpacked);
            }
        }

        #[test]
        fn what_is_damaged_is_an_error_or_the_same(
            seed: u64, length in 1_usize..400_000, at in 0.0..1.0_f64, byte: u8, is_cut: bool,
        ) {
            let text = text(seed, length);
            let mut bytes = packed(&text, 6);
            let at = (bytes.len() as f64 * at) as usize;
            if is_cut { bytes.truncate(at) } else { bytes[at] = byte };
            let (mut own, mut other) = (Vec::new(), Vec::new());
            let own_read = Unpacked::whole(&file(&bytes)).read_to_end(&mut own);
            let other_read = MultiGzDecoder::new(&*bytes).read_to_end(&mut other);
            if own_read.is_ok() {
                prop_assert!(own == text || own.is_empty());
                prop_assert!(other_read.is_err() || other == own);
            }
        }
    }

    #[test]
    fn a_point_that_is_none_is_an_error() {
        let text = text(7, 4_000_000);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&text).expect("packed");
        let file = file(&encoder.finish().expect("packed"));
        let mut unpacked = Unpacked::whole(&file);
        io::copy(&mut unpacked, &mut io::sink()).expect("a gzip file");
        let point = unpacked.points().remove(1);
        let read = |point: &Point| {
            let mut rest = Vec::new();
            Unpacked::from(&file, point).and_then(|mut from| from.read_to_end(&mut rest))
        };
        assert!(read(&point).is_ok());
        assert!(read(&Point { bits: 9, ..point.clone() }).is_err());
        assert!(read(&Point { window: vec![0xff; 9], ..point.clone() }).is_err());
        assert!(read(&Point { packed: u64::MAX / 2, ..point.clone() }).is_err());
        // Whatever comes of it: nothing breaks.
        for more in 1..200 {
            drop(read(&Point { packed: point.packed + more, ..point.clone() }));
        }
    }
}
