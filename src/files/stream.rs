//! What `btrfs send --no-data -p BEFORE AFTER` writes, read for the paths that it is about.
//!
//! The stream says how to make AFTER of BEFORE: a line of commands, each with a path as it is at
//! that moment. To know where a file was in BEFORE and is in AFTER, the renames are followed in a
//! tree of those names that the stream has. `fs/btrfs/send.h` of Linux has the format.

use crate::files::failed::{Cause, Failed};
use crate::files::tree::Tree;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest command: without data, the largest thing in one is an extended attribute, 64 KiB.
const COMMAND_MOST: u32 = 1024 * 1024;
/// The longest path (`PATH_MAX`).
const PATH_MOST: usize = 4096;
/// So many names, and so many bytes of paths, are kept at most.
const NAMES_MOST: usize = 1_000_000;
const BYTES_MOST: usize = 512 * 1024 * 1024;

const MAGIC: &[u8; 13] = b"btrfs-stream\0";

// enum btrfs_send_cmd
const SNAPSHOT: u16 = 2;
const MKFILE: u16 = 3;
const SYMLINK: u16 = 8;
const RENAME: u16 = 9;
const LINK: u16 = 10;
const UNLINK: u16 = 11;
const RMDIR: u16 = 12;
const END: u16 = 21;
const LAST_OF_VERSION_1: u16 = 22;

// The attributes of a command.
const PATH: u16 = 15;
const PATH_TO: u16 = 16;
const PATH_LINK: u16 = 17;
const DATA: u16 = 19;

/// The paths, from the root, that can differ between the two snapshots: each that the stream names,
/// as it is in either of them; what is below a directory that has moved; and all names of a file
/// that has several. They are neither compared nor is each of them in either snapshot.
///
/// The trees must be those that the stream is between.
///
/// # Errors
/// The stream is torn, of a version above 3, or no stream; it names what cannot be there; it has
/// more names than are kept; or a snapshot cannot be read.
pub fn touched(
    stream: impl Read,
    before: &Tree,
    after: &Tree,
) -> Result<BTreeSet<PathBuf>, Failed> {
    let names = follow(stream).map_err(|cause| cause.at(""))?;
    let (mut found, moved) = names.places().map_err(|cause| cause.at(""))?;
    for (from, to) in moved {
        found.extend(before.below(&from)?);
        found.extend(after.below(&to)?);
    }
    for tree in [before, after] {
        add_links(&mut found, tree)?;
    }
    Ok(found)
}

/// What happens to an inode by one of its names, happens to all of them.
fn add_links(found: &mut BTreeSet<PathBuf>, tree: &Tree) -> Result<(), Failed> {
    let mut known = BTreeSet::new();
    let mut more = Vec::new();
    for path in found.iter() {
        if let Some(entry) = tree.entry(path)?
            && !entry.is_directory()
            && entry.nlink > 1
            && known.insert(entry.ino)
        {
            more.extend(tree.links(path, &entry)?);
        }
    }
    found.extend(more);
    Ok(())
}

/// Reads a stream to its end.
fn follow(mut stream: impl Read) -> Result<Names, Cause> {
    let mut magic = [0; MAGIC.len()];
    fill(&mut stream, &mut magic)?;
    let mut version = [0; 4];
    fill(&mut stream, &mut version)?;
    let version = u32::from_le_bytes(version);
    if magic != *MAGIC || !(1..=3).contains(&version) {
        return Err(Cause::Stream("it is none of the versions 1 to 3"));
    }
    let mut names = Names::new();
    let mut body = Vec::new();
    let first = command(&mut stream, &mut body)?;
    if first != SNAPSHOT {
        return Err(Cause::Stream("it is not between two snapshots"));
    }
    loop {
        let command = command(&mut stream, &mut body)?;
        match command {
            END => return Ok(names),
            _ if version == 1 && command > LAST_OF_VERSION_1 => {
                return Err(Cause::Stream("a command is not of its version"));
            }
            _ => names.apply(command, &Attributes::read(&body)?)?,
        }
    }
}

/// Reads the next command, and what belongs to it into `body`. Its checksum is not compared: it is
/// about transport, and this stream comes through a pipe.
fn command(stream: &mut impl Read, body: &mut Vec<u8>) -> Result<u16, Cause> {
    let mut head = [0; 10];
    fill(stream, &mut head)?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    if length > COMMAND_MOST {
        return Err(Cause::Stream("a command is too long"));
    }
    body.resize(length as usize, 0);
    fill(stream, body)?;
    Ok(u16::from_le_bytes([head[4], head[5]]))
}

fn fill(stream: &mut impl Read, bytes: &mut [u8]) -> Result<(), Cause> {
    stream.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Cause::Stream("it is cut off"),
        _ => Cause::System(error),
    })
}

/// The paths that a command has.
#[derive(Default)]
struct Attributes<'b> {
    path: Option<&'b [u8]>,
    to: Option<&'b [u8]>,
    link: Option<&'b [u8]>,
}

impl<'b> Attributes<'b> {
    fn read(mut rest: &'b [u8]) -> Result<Self, Cause> {
        const TORN: Cause = Cause::Stream("a command is torn");
        let mut found = Self::default();
        while !rest.is_empty() {
            let (kind, behind) = rest.split_first_chunk::<2>().ok_or(TORN)?;
            let kind = u16::from_le_bytes(*kind);
            // From version 2 on it is the last one, and has no length.
            if kind == DATA {
                break;
            }
            let (length, behind) = behind.split_first_chunk::<2>().ok_or(TORN)?;
            let length = usize::from(u16::from_le_bytes(*length));
            let (value, behind) = behind.split_at_checked(length).ok_or(TORN)?;
            match kind {
                PATH => found.path = Some(value),
                PATH_TO => found.to = Some(value),
                PATH_LINK => found.link = Some(value),
                _ => {}
            }
            rest = behind;
        }
        Ok(found)
    }
}

/// A path without its root, as its parts: none of them empty, `.` or `..`.
fn parts(path: Option<&[u8]>) -> Result<Vec<&[u8]>, Cause> {
    let path = path.ok_or(Cause::Stream("a command lacks a path"))?;
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let is_odd = |part: &&[u8]| part.is_empty() || *part == b"." || *part == b"..";
    if path.len() > PATH_MOST || path.contains(&0) || parts.iter().any(is_odd) {
        return Err(Cause::Stream("a path is not one below the root"));
    }
    Ok(parts)
}

/// Names by their number. A node is one name, not an inode.
struct Names {
    nodes: Vec<Node>,
}

/// One name: where it was in BEFORE, and where it is now.
struct Node {
    /// The name of the directory in BEFORE, and its own; none for what the stream has made.
    origin: Option<(usize, Rc<[u8]>)>,
    /// The same, as of now; none for what is gone.
    place: Option<(usize, Rc<[u8]>)>,
    /// What is below it, as far as the stream has named it; none for a name that is gone.
    children: HashMap<Rc<[u8]>, Option<usize>>,
    is_touched: bool,
    is_moved: bool,
}

const ROOT: usize = 0;
const ABSENT: Cause = Cause::Stream("a path is not there");

type Places = (BTreeSet<PathBuf>, BTreeMap<PathBuf, PathBuf>);

impl Names {
    fn new() -> Self {
        let nothing: Rc<[u8]> = Rc::from(&b""[..]);
        let place = Some((ROOT, nothing));
        Self { nodes: vec![Node::new(place.clone(), place)] }
    }

    fn apply(&mut self, command: u16, attributes: &Attributes<'_>) -> Result<(), Cause> {
        match command {
            MKFILE..=SYMLINK => self.make(&parts(attributes.path)?),
            LINK => {
                let other = self.find(&parts(attributes.link)?)?;
                self.nodes[other].is_touched = true;
                self.make(&parts(attributes.path)?)
            }
            RENAME => self.rename(&parts(attributes.path)?, &parts(attributes.to)?),
            UNLINK | RMDIR => self.remove(&parts(attributes.path)?).map(|_| ()),
            // Owner, content, attributes, and what later versions have: the name remains.
            _ if attributes.path.is_some() => {
                let node = self.find(&parts(attributes.path)?)?;
                self.nodes[node].is_touched = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The node at a path, made if it is one that BEFORE may have.
    fn find(&mut self, path: &[&[u8]]) -> Result<usize, Cause> {
        let mut at = ROOT;
        for name in path {
            at = match self.nodes[at].children.get(*name) {
                Some(Some(child)) => *child,
                None if self.nodes[at].origin.is_some() => {
                    let place = Some((at, Rc::from(*name)));
                    self.add(Node::new(place.clone(), place))?
                }
                _ => return Err(ABSENT),
            };
        }
        Ok(at)
    }

    /// Adds a node, and enters it below its parent.
    fn add(&mut self, node: Node) -> Result<usize, Cause> {
        let number = self.nodes.len();
        if number >= NAMES_MOST {
            return Err(Cause::TooMany);
        }
        if let Some((parent, name)) = &node.place {
            self.nodes[*parent].children.insert(Rc::clone(name), Some(number));
        }
        self.nodes.push(node);
        Ok(number)
    }

    /// A new name: nothing may have it.
    fn make(&mut self, path: &[&[u8]]) -> Result<(), Cause> {
        let place = self.free(path)?;
        let number = self.add(Node::new(None, Some(place)))?;
        self.nodes[number].is_touched = true;
        Ok(())
    }

    /// The place of a new name, in a directory that has changed by it. Whether BEFORE has such a
    /// name that the stream has not yet removed is not known, and does not matter.
    fn free(&mut self, path: &[&[u8]]) -> Result<(usize, Rc<[u8]>), Cause> {
        let (name, parent) = path.split_last().ok_or(ABSENT)?;
        let parent = self.find(parent)?;
        self.nodes[parent].is_touched = true;
        if let Some(Some(_)) = self.nodes[parent].children.get(*name) {
            return Err(Cause::Stream("a name is given twice"));
        }
        Ok((parent, Rc::from(*name)))
    }

    /// Takes a name away from where it is.
    fn remove(&mut self, path: &[&[u8]]) -> Result<usize, Cause> {
        let node = self.find(path)?;
        if node == ROOT {
            return Err(ABSENT);
        }
        if let Some((parent, name)) = self.nodes[node].place.take() {
            self.nodes[parent].children.insert(name, None);
            self.nodes[parent].is_touched = true;
        }
        self.nodes[node].is_touched = true;
        Ok(node)
    }

    fn rename(&mut self, from: &[&[u8]], to: &[&[u8]]) -> Result<(), Cause> {
        let node = self.find(from)?;
        let (name, parent) = to.split_last().ok_or(ABSENT)?;
        let parent = self.find(parent)?;
        if self.is_below(parent, node) {
            return Err(Cause::Stream("a directory is moved into itself"));
        }
        if let Some(Some(replaced)) = self.nodes[parent].children.get(*name)
            && *replaced != node
        {
            self.remove(to)?;
        }
        self.remove(from)?;
        let place = self.free(to)?;
        self.nodes[place.0].children.insert(Rc::clone(&place.1), Some(node));
        self.nodes[node].place = Some(place);
        self.nodes[node].is_moved = true;
        Ok(())
    }

    /// Whether a node is another one, or is below it.
    fn is_below(&self, node: usize, other: usize) -> bool {
        let mut at = node;
        loop {
            match &self.nodes[at].place {
                _ if at == other => return true,
                Some((parent, _)) if at != ROOT => at = *parent,
                _ => return false,
            }
        }
    }

    /// The places of all that was touched, and from where to where directories have moved.
    fn places(&self) -> Result<Places, Cause> {
        let (mut found, mut moved) = (BTreeSet::new(), BTreeMap::new());
        let mut bytes = 0;
        for node in (0..self.nodes.len()).filter(|node| self.nodes[*node].is_touched) {
            let origin = self.path(node, |node| node.origin.as_ref())?;
            let place = self.path(node, |node| node.place.as_ref())?;
            if let (true, Some(from), Some(to)) = (self.nodes[node].is_moved, &origin, &place)
                && from != to
            {
                moved.insert(from.clone(), to.clone());
            }
            for path in [origin, place].into_iter().flatten() {
                bytes += path.as_os_str().len();
                found.insert(path);
            }
            if bytes > BYTES_MOST {
                return Err(Cause::TooMany);
            }
        }
        Ok((found, moved))
    }

    /// A node's path, by one of its two places; none if a part of it has no such place.
    fn path<'n>(
        &'n self,
        node: usize,
        place: impl Fn(&'n Node) -> Option<&'n (usize, Rc<[u8]>)>,
    ) -> Result<Option<PathBuf>, Cause> {
        let (mut names, mut at, mut length) = (Vec::new(), node, 0);
        while at != ROOT {
            let Some((parent, name)) = place(&self.nodes[at]) else { return Ok(None) };
            length += name.len() + 1;
            if length > PATH_MOST {
                return Err(Cause::Stream("a path is too long"));
            }
            names.push(name);
            at = *parent;
        }
        let parts = names.iter().rev().map(|name| Path::new(OsStr::from_bytes(name)));
        Ok(Some(parts.collect()))
    }
}

impl Node {
    fn new(origin: Option<(usize, Rc<[u8]>)>, place: Option<(usize, Rc<[u8]>)>) -> Self {
        Self { origin, place, children: HashMap::new(), is_touched: false, is_moved: false }
    }
}
