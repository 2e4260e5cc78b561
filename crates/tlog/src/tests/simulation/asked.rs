//! What `just simulate` is told, of both simulations.

/// What the words of the command ask for.
pub(crate) enum Asked {
    More(u64),
    Again(u64),
}

impl Asked {
    pub(crate) fn from(words: impl Iterator<Item = String>) -> Option<Asked> {
        words
            .filter_map(|word| match word.strip_prefix("seed=") {
                Some(seed) => seed.parse().ok().map(Asked::Again),
                None => word.parse().ok().map(Asked::More),
            })
            .last()
    }
}
