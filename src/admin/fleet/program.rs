//! What is sent to a host: this very program, or the one that was named for its architecture.

use crate::output::hex::hex;
use crate::request::code::{Code, Refusal};
use crate::request::name::quoted;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// ELF's number of a machine (`elf(5)`, `linux/elf-em.h`), and what `uname -m` says there.
const MACHINES: [(u16, &str, &[&str]); 8] = [
    (3, "i686", &["i386", "i486", "i586", "x86"]),
    (21, "ppc64le", &["powerpc64le"]),
    (22, "s390x", &[]),
    (40, "armv7l", &["armhf", "armv7", "armv6l", "armv8l"]),
    (62, "x86_64", &["amd64"]),
    (183, "aarch64", &["arm64"]),
    (243, "riscv64", &[]),
    (258, "loongarch64", &["loong64"]),
];

/// A program for one architecture.
#[derive(Debug)]
pub struct Program {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What there is to send, by architecture.
#[derive(Debug)]
pub struct Programs(BTreeMap<&'static str, Program>);

impl Programs {
    /// This program and those of `--binary ARCH=PATH`.
    ///
    /// # Errors
    /// If one cannot be read, or is not for the architecture that it is said to be for.
    pub fn read(named: &[String]) -> Result<Self, Refusal> {
        let mut programs = BTreeMap::new();
        let (machine, own) = program(Path::new("/proc/self/exe"))?;
        programs.insert(machine, own);
        for word in named {
            let (wanted, path) = word.split_once('=').ok_or_else(|| {
                Refusal::new(
                    Code::Usage,
                    format!("--binary {}: it has no `=`", quoted(word.as_bytes())),
                )
                .hint("name the architecture and the program: --binary aarch64=/path/to/sm")
            })?;
            let known = canonical(wanted).ok_or_else(|| {
                let all: Vec<&str> = MACHINES.iter().map(|row| row.1).collect();
                Refusal::new(
                    Code::Usage,
                    format!("--binary: {} is not a known architecture", quoted(wanted.as_bytes())),
                )
                .hint(format!("there are: {}", all.join(", ")))
            })?;
            let (machine, program) = program(Path::new(path))?;
            if machine != known {
                return Err(Refusal::new(
                    Code::Usage,
                    format!("--binary: {path} is a program for {machine}, not for {known}"),
                ));
            }
            programs.insert(machine, program);
        }
        Ok(Self(programs))
    }

    /// The one for what `uname -m` said.
    ///
    /// # Errors
    /// `unsupported` if there is none.
    pub fn for_machine(&self, machine: &str) -> Result<&Program, Refusal> {
        canonical(machine).and_then(|known| self.0.get(known)).ok_or_else(|| {
            let here: Vec<&str> = self.0.keys().copied().collect();
            Refusal::new(
                Code::Unsupported,
                format!(
                    "its architecture is {machine}, and the program here is for {}",
                    here.join(", ")
                ),
            )
            .hint(format!("build sm for it, and name it: --binary {machine}=PATH"))
        })
    }
}

fn canonical(machine: &str) -> Option<&'static str> {
    MACHINES
        .iter()
        .find(|(_, name, others)| *name == machine || others.contains(&machine))
        .map(|row| row.1)
}

/// Reads a program, and the architecture out of its header.
fn program(path: &Path) -> Result<(&'static str, Program), Refusal> {
    let wrong = |what: &str| {
        Refusal::new(Code::Usage, format!("{}: {what}", path.display()))
            .hint("name a program that was built with: packaging/build")
    };
    let bytes = fs::read(path).map_err(|error| wrong(&error.to_string()))?;
    let machine = machine(&bytes).ok_or_else(|| wrong("it is not a Linux program"))?;
    let sha256 = hex(&Sha256::digest(&bytes));
    Ok((machine, Program { bytes, sha256 }))
}

fn machine(bytes: &[u8]) -> Option<&'static str> {
    let header = bytes.get(..20)?;
    let little = header[5] == 1;
    let pair = [header[18], header[19]];
    let number = if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
    // i686 and armv7l have 32 bits, the others 64.
    let row = MACHINES.iter().find(|row| row.0 == number)?;
    (header.starts_with(b"\x7fELF")).then_some(row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_is_read_from_the_program() {
        let own = fs::read("/proc/self/exe").expect("the test itself");
        assert_eq!(machine(&own), canonical(std::env::consts::ARCH));
        assert_eq!(machine(b"#!/bin/sh\necho not a program\n"), None);
        assert_eq!(machine(b"\x7fELF"), None);
    }

    #[test]
    fn other_names_of_an_architecture_are_known() {
        assert_eq!(canonical("arm64"), Some("aarch64"));
        assert_eq!(canonical("amd64"), Some("x86_64"));
        assert_eq!(canonical("vax"), None);
    }
}
