//! Paths as a package manager lists them, led through the links that a host has among its folders.

use crate::files::tree::Tree;
use rustix::fs::FileType;
use std::collections::HashMap;
use std::path::PathBuf;

/// The links among the folders of a tree, through which a package's file is in another folder than its list says:
/// `/bin` on a host where that is merged into `/usr`, or one that an administrator has put elsewhere.
pub struct Links<'t> {
    tree: &'t Tree,
    folders: HashMap<String, String>,
}

/// How many links are followed at most (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

impl<'t> Links<'t> {
    /// Those of a tree.
    pub fn of(tree: &'t Tree) -> Self {
        Self { tree, folders: HashMap::new() }
    }

    /// The path without links, but for its last name.
    pub fn resolved(&mut self, path: &str) -> String {
        let Some((folder, name)) = path.rsplit_once('/') else { return path.to_owned() };
        let folder = match self.folders.get(folder) {
            Some(known) => known.clone(),
            None => {
                let real = self.followed(folder);
                self.folders.insert(folder.to_owned(), real.clone());
                real
            }
        };
        format!("{folder}/{name}")
    }

    fn followed(&self, folder: &str) -> String {
        let mut left: Vec<String> = folder.split('/').rev().map(str::to_owned).collect();
        let mut real: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(name) = left.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    real.pop();
                    continue;
                }
                _ => real.push(name),
            }
            let here = PathBuf::from(real.join("/"));
            let entry = self.tree.entry(&here).ok().flatten();
            let is_link = entry.is_some_and(|entry| entry.kind == FileType::Symlink);
            if !is_link || links == MOST_LINKS {
                continue;
            }
            let Ok(target) = self.tree.target(&here) else { continue };
            links += 1;
            let target = target.to_string_lossy().into_owned();
            real.pop();
            if target.starts_with('/') {
                real.clear();
            }
            left.extend(target.split('/').rev().map(str::to_owned));
        }
        if real.is_empty() { String::new() } else { format!("/{}", real.join("/")) }
    }
}
