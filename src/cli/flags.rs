//! The words of a command line that look like flags.

/// The flags of a program and of its commands.
pub fn flags(grammar: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    grammar.get_arguments().chain(grammar.get_subcommands().flat_map(clap::Command::get_arguments))
}
