//! An access control list (`acl(5)`), as the kernel keeps it in an extended attribute.

/// The tags of entries (`linux/posix_acl.h`).
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// The only version that there is (`linux/posix_acl_xattr.h`).
const VERSION: [u8; 4] = [2, 0, 0, 0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    tag: u16,
    bits: u32,
    id: u32,
}

/// An access control list.
#[derive(Debug, PartialEq, Eq)]
pub struct Acl(Vec<Entry>);

impl Acl {
    /// Reads the attribute; none if it is none that is known.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.strip_prefix(&VERSION)?.as_chunks::<8>();
        let entry = |&[a, b, c, d, id @ ..]: &[u8; 8]| Entry {
            tag: u16::from_le_bytes([a, b]),
            bits: u16::from_le_bytes([c, d]).into(),
            id: u32::from_le_bytes(id),
        };
        rest.is_empty().then(|| Self(entries.iter().map(entry).collect()))
    }

    /// Whether it gives this permission to an account that is not the owner (`acl(5)`, "Access
    /// check algorithm"). `groups` are those of the account, `gid` is the group of the file.
    pub fn allows(&self, uid: u32, groups: &[u32], gid: u32, bit: u32) -> bool {
        let of = |tag: u16| self.0.iter().filter(move |entry| entry.tag == tag);
        let mask = of(MASK).next().map_or(!0, |entry| entry.bits);
        if let Some(own) = of(USER).find(|entry| entry.id == uid) {
            return own.bits & mask & bit != 0;
        }
        let own = of(GROUP_OBJ).filter(|_| groups.contains(&gid));
        let named = of(GROUP).filter(|entry| groups.contains(&entry.id));
        let mut fitting = own.chain(named).peekable();
        if fitting.peek().is_some() {
            return fitting.any(|entry| entry.bits & mask & bit != 0);
        }
        of(OTHER).any(|entry| entry.bits & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attribute of these entries: tag, bits, id.
    fn attribute(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = VERSION.to_vec();
        for (tag, bits, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(bits.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn the_first_entry_that_fits_decides_and_the_mask_bounds_it() {
        const NONE: u32 = u32::MAX;
        // user::rw-, user:1000:rw-, user:1001:r--, group::rw-, group:50:rw-, group:51:r--,
        // mask::rw-, other::-w-
        let entries = |mask| {
            [
                (1, 6, NONE),
                (USER, 6, 1000),
                (USER, 4, 1001),
                (GROUP_OBJ, 6, NONE),
                (GROUP, 6, 50),
                (GROUP, 4, 51),
                (MASK, mask, NONE),
                (OTHER, 2, NONE),
            ]
        };
        for (uid, groups, mask, may) in [
            (1000, &[][..], 6, true),
            (1000, &[], 4, false),
            (1001, &[50], 6, false),
            (1002, &[50], 6, true),
            (1002, &[50], 4, false),
            (1002, &[51], 6, false),
            (1002, &[51, 50], 6, true),
            (1002, &[40], 6, true),
            (1002, &[40], 4, false),
            // The mask does not bound the others.
            (1002, &[], 4, true),
        ] {
            let acl = Acl::parse(&attribute(&entries(mask))).expect("a list");
            assert_eq!(acl.allows(uid, groups, 40, 2), may, "{uid} {groups:?} {mask}");
        }
    }

    #[test]
    fn what_is_no_list_is_none() {
        for bytes in [&b""[..], &[1, 0, 0, 0], &[2, 0, 0, 0, 1], &[2, 0, 0]] {
            assert_eq!(Acl::parse(bytes), None, "{bytes:?}");
        }
    }
}
