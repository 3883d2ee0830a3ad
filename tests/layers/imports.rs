//! What the files of the program import from each other, read from their text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, UseTree, Visibility};

/// One file uses something of another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The file that uses it, below `src`.
    pub from: String,
    /// The file that has it.
    pub to: String,
    /// What is used.
    pub name: String,
}

/// The files of a program: their module, and where they are.
pub struct Sources {
    /// By module; that of `main.rs` has no parts.
    files: BTreeMap<Vec<String>, (String, syn::File)>,
}

impl Sources {
    /// All files of a folder.
    pub fn read(folder: &str) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![Path::new(folder).to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(&next).expect("a folder") {
                let path = entry.expect("an entry").path();
                // A package of its own is another program.
                if path.is_dir() && !path.join("Cargo.toml").exists() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let name = path.strip_prefix(folder).expect("it is below").to_owned();
                    let text = fs::read_to_string(&path).expect("a text");
                    files.push((name.to_string_lossy().into_owned(), text));
                }
            }
        }
        Self::from(files)
    }

    /// These files: their paths and texts.
    pub fn from(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let parsed = files.into_iter().map(|(path, text)| {
            let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let mut module: Vec<String> =
                path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if module.last().is_some_and(|last| last == "mod" || last == "main") {
                module.pop();
            }
            (module, (path, file))
        });
        let mut sources = Self { files: parsed.collect() };
        sources.forget_tests();
        sources
    }

    /// The paths of the files.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        self.files.values().map(|(path, _)| path)
    }

    /// Files that are there for tests alone.
    fn forget_tests(&mut self) {
        let mut gone: BTreeSet<Vec<String>> = BTreeSet::new();
        for (module, (_, file)) in &self.files {
            for item in &file.items {
                if let Item::Mod(inner) = item
                    && is_for_tests(&inner.attrs)
                {
                    gone.insert([&module[..], &[inner.ident.to_string()]].concat());
                }
            }
        }
        self.files.retain(|module, _| !gone.iter().any(|test| module.starts_with(test)));
    }

    /// Every import of one file from another, once.
    pub fn imports(&self) -> Vec<Import> {
        let mut given_on = BTreeMap::new();
        let mut all = Vec::new();
        for (module, (_, file)) in &self.files {
            let mut paths = Paths { sources: self, module, inside: Vec::new(), found: Vec::new() };
            paths.visit_file(file);
            for (path, is_public) in &paths.found {
                if let (true, Some(name)) = (*is_public, path.last()) {
                    given_on
                        .insert([&module[..], std::slice::from_ref(name)].concat(), path.clone());
                }
            }
            all.extend(paths.found.into_iter().map(|(path, _)| (module, path)));
        }
        let imports = all.into_iter().filter_map(|(module, path)| {
            let (to, name) = self.found(path, &given_on)?;
            let (from, to) = (&self.files[module].0, &self.files[&to].0);
            (from != to).then(|| Import { from: from.clone(), to: to.clone(), name })
        });
        imports.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The module that has what a path leads to, and its name there.
    fn found(
        &self,
        mut path: Vec<String>,
        given_on: &BTreeMap<Vec<String>, Vec<String>>,
    ) -> Option<(Vec<String>, String)> {
        // A name is given on so many times at most.
        for _ in 0..8 {
            let long =
                (0..=path.len()).rev().find(|long| self.files.contains_key(&path[..*long]))?;
            let Some(name) = path.get(long) else {
                return Some((path.clone(), path.last().cloned().unwrap_or_default()));
            };
            match given_on.get(&path[..=long]) {
                Some(other) if *other != path[..=long] => {
                    path = [&other[..], &path[long + 1..]].concat();
                }
                _ => return Some((path[..long].to_vec(), name.clone())),
            }
        }
        None
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

/// The paths of a file that begin at the crate, at the module itself or at one above it.
struct Paths<'s> {
    sources: &'s Sources,
    module: &'s [String],
    /// The modules within the file that are being read.
    inside: Vec<String>,
    /// From the crate on, and whether it is given on.
    found: Vec<(Vec<String>, bool)>,
}

impl Paths<'_> {
    fn add(&mut self, words: &[String], is_public: bool) {
        let here = [self.module, &self.inside].concat();
        let Some((first, rest)) = words.split_first() else { return };
        let path = match first.as_str() {
            "crate" => rest.to_vec(),
            "self" => [&here[..], rest].concat(),
            "super" => {
                let above = words.iter().take_while(|word| *word == "super").count();
                let base = here.len().saturating_sub(above);
                [&here[..base], &words[above..]].concat()
            }
            // A module of this one, by its name alone.
            child => {
                let path = [&here[..], &[child.to_owned()]].concat();
                if !self.sources.files.contains_key(&path) {
                    return;
                }
                [&path[..], rest].concat()
            }
        };
        self.found.push((path, is_public));
    }

    /// A name alone leads nowhere else.
    fn add_long(&mut self, words: &[String]) {
        if words.len() > 1 {
            self.add(words, false);
        }
    }

    fn add_tree(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let with = |word: &syn::Ident| [before, &[word.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&path.tree, &with(&path.ident), is_public),
            UseTree::Name(name) if name.ident == "self" => self.add(before, is_public),
            UseTree::Name(name) => self.add(&with(&name.ident), is_public),
            UseTree::Rename(name) => self.add(&with(&name.ident), is_public),
            UseTree::Glob(_) => self.add(before, is_public),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, before, is_public);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited) && self.inside.is_empty();
        self.add_tree(&item.tree, &[], is_public);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add_long(&words);
        visit::visit_path(self, path);
    }

    /// What stands in a macro is no syntax yet; a path in it is one all the same.
    fn visit_macro(&mut self, macro_: &'ast syn::Macro) {
        // A string in it is one token, and as such begins with a quotation mark.
        let text = macro_.tokens.to_string();
        let mut words: Vec<String> = Vec::new();
        let mut is_path = false;
        for token in text.split_whitespace() {
            let token = token.trim_matches(['(', ')', '[', ']', '{', '}', ',', '&', ';', '.', '!']);
            let is_word =
                !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if token == "::" {
                is_path = true;
            } else if is_word && is_path {
                words.push(token.to_owned());
                is_path = false;
            } else {
                self.add_long(&std::mem::take(&mut words));
                is_path = false;
                if is_word {
                    words.push(token.to_owned());
                }
            }
        }
        self.add_long(&words);
        visit::visit_macro(self, macro_);
    }
}
