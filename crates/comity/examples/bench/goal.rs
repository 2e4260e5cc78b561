//! What is wanted of each figure. A goal that is not met is shown, not hidden.

use crate::figure::Figure;
use crate::options::Size;

/// What a figure should come to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Goal {
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
    /// At least so much of the floor.
    pub(crate) ratio: Option<f64>,
}

/// From this size on the figures of a large collection are wanted.
const LARGE: usize = 1_000_000;

impl Goal {
    /// The goal for a figure at a size, if there is one.
    pub(crate) fn of(figure: &str, size: Size) -> Option<Goal> {
        let large = size.0 >= LARGE;
        let goal = match figure {
            "POST, 1 client" => least(25_000.0).of_floor(0.25),
            "POST, 4 clients" => least(40_000.0).of_floor(0.4),
            "import" => least(40_000.0).of_floor(0.45),
            "read all, limit 1000" => least(300_000.0).of_floor(0.5),
            "read all, limit 100" => least(100_000.0),
            "manifest, limit 1000" => least(400_000.0),
            "one object by id" => least(25_000.0),
            "one object by id, p99" => most(3.0),
            "poll, nothing new" => least(40_000.0),
            "poll, nothing new, p99" => most(2.0),
            "server: peak RSS" => most(if large { 200.0 } else { 100.0 }),
            "start after an orderly stop" | "start after kill -9" => {
                most(if large { 2000.0 } else { 1000.0 })
            }
            _ => return None,
        };
        Some(goal)
    }

    fn of_floor(self, ratio: f64) -> Goal {
        Goal { ratio: Some(ratio), ..self }
    }

    /// Whether a figure reaches it, and the share of the floor apart: the one is for whoever uses
    /// a node on such a machine, the other for whoever makes it faster on any.
    pub(crate) fn met(self, figure: &Figure) -> String {
        let value = figure.median();
        let reached = self.least.is_none_or(|least| value >= least)
            && self.most.is_none_or(|most| value <= most);
        let word = |met: bool| if met { "yes" } else { "**no**" };
        match self.ratio {
            None => word(reached).to_owned(),
            Some(ratio) => {
                let share = figure.ratio().is_some_and(|found| found >= ratio);
                format!("{}; of the floor {}", word(reached), word(share))
            }
        }
    }
}

fn least(value: f64) -> Goal {
    Goal { least: Some(value), ..Goal::default() }
}

fn most(value: f64) -> Goal {
    Goal { most: Some(value), ..Goal::default() }
}
