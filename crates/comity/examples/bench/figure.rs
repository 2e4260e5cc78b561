//! Figures: what was measured how often, beside its floors.

use crate::load::Rate;

/// What one thing came to, in all of its runs.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) runs: Vec<f64>,
    /// The first is the one that a goal speaks of.
    pub(crate) floors: Vec<Floor>,
}

/// The least that the same work takes; runs alternate with those of the figure.
#[derive(Debug, Clone)]
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    pub(crate) runs: Vec<f64>,
}

impl Figure {
    pub(crate) fn median(&self) -> f64 {
        median(&self.runs)
    }

    /// How near the figure comes to its floor.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.floors.first().map(|floor| self.median() / floor.median())
    }
}

impl Floor {
    pub(crate) fn new(name: &'static str, runs: Vec<f64>) -> Floor {
        Floor { name, runs }
    }

    pub(crate) fn median(&self) -> f64 {
        median(&self.runs)
    }
}

/// All figures of a size, in the order of the page.
#[derive(Debug, Default)]
pub(crate) struct Figures(pub(crate) Vec<Figure>);

impl Figures {
    /// Adds one, and shows it to whoever waits.
    pub(crate) fn add(
        &mut self,
        name: &str,
        unit: &'static str,
        runs: Vec<f64>,
        floors: Vec<Floor>,
    ) {
        let figure = Figure { name: name.to_owned(), unit, runs, floors };
        let mut line = format!("{name:40} {:>12} {unit}", number(figure.median()));
        for floor in &figure.floors {
            let ratio = figure.median() / floor.median();
            line.push_str(&format!("   {} {} ({ratio:.2})", floor.name, number(floor.median())));
        }
        eprintln!("{line}");
        self.0.push(figure);
    }

    /// Requests a second and their latencies, as three figures.
    pub(crate) fn add_rates(&mut self, name: &str, runs: &[Rate], floor: &[Rate]) {
        type Part = (&'static str, &'static str, fn(&Rate) -> f64);
        let parts: [Part; 3] = [
            ("", "req/s", |rate| rate.per_second),
            (", p50", "ms", |rate| rate.p50_ms),
            (", p99", "ms", |rate| rate.p99_ms),
        ];
        for (suffix, unit, part) in parts {
            let floors = if floor.is_empty() {
                Vec::new()
            } else {
                vec![Floor::new("static octets", floor.iter().map(part).collect())]
            };
            let name = format!("{name}{suffix}");
            self.add(&name, unit, runs.iter().map(part).collect(), floors);
        }
    }
}

pub(crate) fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    if !sorted.len().is_multiple_of(2) {
        return upper;
    }
    let lower = (sorted.len() / 2).checked_sub(1).and_then(|at| sorted.get(at)).copied();
    f64::midpoint(upper, lower.unwrap_or(upper))
}

/// Three digits below ten, none from a hundred on, groups of thousands.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        value if value < 10.0 => 3,
        value if value < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = match text.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (text.as_str(), String::new()),
    };
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && digit.is_ascii_digit() {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &rest
}
