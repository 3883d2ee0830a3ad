//! No account takes more of the log than its buckets let it have, and none loses by another.

use crate::limits::bytes::*;
use crate::limits::ring::tests::Memory;
use proptest::prelude::*;

const BOOT: u64 = 7;
const SIZES: Sizes = Sizes {
    buckets: [Size { room: 10_000, hourly: 3600 }, Size { room: 5000, hourly: 36_000 }],
    has_buckets: true,
    minute: None,
};

fn ask(memory: &Memory, key: u64, bytes: u64, millis: u64) -> Charged {
    let one = Charge { key, bucket: Bucket::Reads, bytes, is_due: false };
    charge(memory, BOOT, Duration::from_millis(millis), &SIZES, &one).unwrap()
}

fn is_taken(charged: &Charged) -> bool {
    matches!(charged, Charged::Taken { .. })
}

#[test]
fn who_waits_as_long_as_is_said_gets_it() {
    let memory = Memory::default();
    assert!((0..10).all(|_| is_taken(&ask(&memory, 1, 1000, 1000))));
    let Charged::Over { wait, record, .. } = ask(&memory, 1, 1000, 1000) else { panic!("taken") };
    assert_eq!(record, Some(1));
    // What the record takes that says so is waited for, too.
    let due = Charge { key: 1, bucket: Bucket::Reads, bytes: 1000 + EXTRA, is_due: true };
    let now = Duration::from_secs(1);
    assert!(is_taken(&charge(&memory, BOOT, now, &SIZES, &due).unwrap()));
    let millis = 1000 + wait.as_millis() as u64;
    assert!(!is_taken(&ask(&memory, 1, 1000, millis - SLACK * 1000 - 1)));
    assert!(is_taken(&ask(&memory, 1, 1000, millis)));
}

#[test]
fn a_flood_is_recorded_once_a_minute_with_its_count() {
    let memory = Memory::default();
    assert!(is_taken(&ask(&memory, 1, 10_000, 0)));
    let records: Vec<u64> = (0..300)
        .filter_map(|second| match ask(&memory, 1, 9000, second * 1000) {
            Charged::Over { record, .. } => record,
            Charged::Taken { .. } => panic!("taken"),
        })
        .collect();
    assert_eq!(records, [1, 60, 60, 60, 60]);
    // The next one that is taken brings the rest, in another minute.
    assert_eq!(ask(&memory, 1, 1, 299_000), Charged::Taken { unrecorded: 0 });
    assert_eq!(ask(&memory, 1, 1, 300_000), Charged::Taken { unrecorded: 59 });
    assert_eq!(ask(&memory, 1, 1, 400_000), Charged::Taken { unrecorded: 0 });
}

#[test]
fn another_boot_begins_anew() {
    let memory = Memory::default();
    assert!(is_taken(&ask(&memory, 1, 10_000, 9000)));
    let one = Charge { key: 1, bucket: Bucket::Reads, bytes: 10_000, is_due: false };
    let charged = charge(&memory, BOOT + 1, Duration::from_secs(1), &SIZES, &one);
    assert!(is_taken(&charged.unwrap()));
    assert!(!is_taken(&charge(&memory, BOOT + 1, Duration::from_secs(1), &SIZES, &one).unwrap()));
}

#[test]
fn what_is_no_table_is_refused() {
    let memory = Memory::of(vec![1; 200_000]);
    let one = Charge { key: 1, bucket: Bucket::Reads, bytes: 1, is_due: true };
    assert!(charge(&memory, BOOT, Duration::ZERO, &SIZES, &one).is_err());
    assert!(check(&memory).is_err());
    let memory = Memory::default();
    ask(&memory, 1, 1, 0);
    assert!(check(&memory).is_ok());
}

#[test]
fn the_table_does_not_grow_and_who_used_much_stays() {
    let memory = Memory::default();
    assert!(is_taken(&ask(&memory, 1, 10_000, 0)));
    // As many accounts in the same set, and many more.
    assert!((0..100_000).all(|at| is_taken(&ask(&memory, 2 + at, 10, 0))));
    assert!(memory.size() as u64 <= SETS * (WAYS * LINE) as u64);
    assert!(!is_taken(&ask(&memory, 1, 1000, 0)));
}

/// What docs/audit.md says of a day.
#[test]
fn a_day_of_flooding_takes_what_the_documents_say() {
    const MIB: u64 = 1 << 20;
    let buckets =
        [Size { room: 8 * MIB, hourly: 2 * MIB }, Size { room: 4 * MIB, hourly: 4 * MIB }];
    let sizes = Sizes { buckets, ..SIZES };
    let memory = Memory::default();
    let mut sum = 0;
    for second in 0..24 * 3600 {
        let now = Duration::from_secs(second);
        for bucket in [Bucket::Reads, Bucket::Changes] {
            let mut one = Charge { key: 1, bucket, bytes: 2600, is_due: false };
            match charge(&memory, BOOT, now, &sizes, &one).unwrap() {
                Charged::Taken { .. } => sum += one.bytes,
                Charged::Over { record: None, .. } => {}
                Charged::Over { record: Some(_), .. } => {
                    one = Charge { bucket: Bucket::Reads, is_due: true, ..one };
                    sum += one.bytes;
                    charge(&memory, BOOT, now, &sizes, &one).unwrap();
                }
            }
        }
    }
    assert!(sum <= 156 * MIB && sum > 155 * MIB, "{sum}");
}

/// What a policy says of a minute holds in each minute, and who has waited as long as is said gets it.
#[test]
fn a_minutes_bound_is_all_that_counts_where_a_policy_has_one() {
    let sizes = Sizes { has_buckets: false, minute: Some(100_000), ..SIZES };
    let memory = Memory::default();
    let ask = |bucket, bytes, millis, is_due| {
        let one = Charge { key: 1, bucket, bytes, is_due };
        charge(&memory, BOOT, Duration::from_millis(millis), &sizes, &one).unwrap()
    };
    // Far more than the buckets have room for.
    assert!((0..75).all(|_| is_taken(&ask(Bucket::Reads, 1000, 5000, false))));
    assert!(!is_taken(&ask(Bucket::Reads, 1000, 5000, false)));
    // A quarter is for changes alone.
    assert!((0..25).all(|_| is_taken(&ask(Bucket::Changes, 1000, 9000, false))));
    let over = ask(Bucket::Changes, 1000, 9000, false);
    let Charged::Over { wait, is_minute: true, record } = over else { panic!("{over:?}") };
    assert_eq!((wait, record), (Duration::from_secs(61), None));
    assert!(!is_taken(&ask(Bucket::Changes, 1000, 69_999, false)));
    assert!(is_taken(&ask(Bucket::Changes, 1000, 70_000, false)));
    // What is due is written all the same, and counts.
    assert!(is_taken(&ask(Bucket::Changes, 120_000, 70_000, true)));
    assert!(!is_taken(&ask(Bucket::Reads, 1, 139_999, false)));
    assert!(is_taken(&ask(Bucket::Reads, 1, 140_000, false)));
    // Where a policy only narrows, both bounds hold.
    let both = Sizes { minute: Some(100_000), ..SIZES };
    let one = Charge { key: 2, bucket: Bucket::Reads, bytes: 10_001, is_due: false };
    let over = charge(&memory, BOOT, Duration::ZERO, &both, &one).unwrap();
    assert!(matches!(over, Charged::Over { is_minute: false, .. }));
}

proptest! {
    #[test]
    fn no_minute_has_more_than_its_bound(
        asked in proptest::collection::vec((0_u64..15_000, 1_u64..30_000, any::<bool>()), 1..200),
    ) {
        const MINUTE: u64 = 60_000;
        let sizes = Sizes { has_buckets: false, minute: Some(MINUTE), ..SIZES };
        let memory = Memory::default();
        let mut taken: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        for (later, bytes, changes) in asked {
            now += later;
            let bucket = if changes { Bucket::Changes } else { Bucket::Reads };
            let one = Charge { key: 1, bucket, bytes, is_due: false };
            let charged = charge(&memory, BOOT, Duration::from_millis(now), &sizes, &one).unwrap();
            let since = |millis: u64| -> u64 {
                let lately = taken.iter().filter(|(at, _)| at + millis > now);
                lately.map(|(_, bytes)| bytes).sum()
            };
            match charged {
                Charged::Taken { .. } => prop_assert!(since(60_000) + bytes <= MINUTE),
                // And nobody is refused who did not use that much.
                Charged::Over { .. } => prop_assert!(since(70_000) + bytes > MINUTE / 4 * 3),
            }
            if is_taken(&charged) {
                taken.push((now, bytes));
            }
        }
        prop_assert!(check(&memory).is_ok());
    }


    #[test]
    fn no_account_takes_more_than_its_buckets_let_it_have(
        steps in proptest::collection::vec(
            (0_u64..20_000, 1_u64..4, any::<bool>(), 1_u64..4000, prop::bool::weighted(0.1)),
            1..300,
        ),
    ) {
        let memory = Memory::default();
        let mut now = 0;
        let mut taken = std::collections::HashMap::<(u64, usize), (u64, u64)>::new();
        for (step, key, changes, bytes, is_due) in steps {
            now += step;
            let bucket = if changes { Bucket::Changes } else { Bucket::Reads };
            let one = Charge { key, bucket, bytes, is_due };
            let charged = charge(&memory, BOOT, Duration::from_millis(now), &SIZES, &one).unwrap();
            let (sum, due) = taken.entry((key, bucket as usize)).or_default();
            let size = SIZES.buckets[bucket as usize];
            let most = size.room + now * size.hourly / 3_600_000;
            match charged {
                // What is due comes on top, and counts all the same.
                Charged::Taken { .. } if is_due => *due += bytes,
                Charged::Taken { .. } => {
                    *sum += bytes;
                    prop_assert!(*sum + *due <= most, "{sum} and {due} of {most}");
                }
                // Nobody is refused who did not use that much.
                Charged::Over { .. } => prop_assert!(!is_due && *sum + *due + bytes > size.room),
            }
        }
        prop_assert!(check(&memory).is_ok());
    }
}
