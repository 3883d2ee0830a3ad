//! What an upgrade of everything leaves as it is, although another version is available.

/// The most that are told of.
const MOST_TOLD: usize = 10;

/// The first of these sentences, and how many more there are.
pub fn at_most(mut message: Vec<String>) -> Vec<String> {
    let more = message.len().saturating_sub(MOST_TOLD);
    message.truncate(MOST_TOLD);
    if more > 0 {
        message.push(format!("and {more} more packages stay as they are"));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_many_stay_the_rest_is_counted() {
        let message = at_most((0..12).map(|n| format!("p{n} stays")).collect());
        assert_eq!(
            (message.len(), message[10].as_str()),
            (11, "and 2 more packages stay as they are")
        );
        assert_eq!(at_most(vec!["a".to_owned()]), ["a"]);
    }
}
