//! The page of results. A section between two marks is written by a run that measured it;
//! everything else on the page stays as it is.

use std::path::{Path, PathBuf};

use crate::corpus::Corpus;
use crate::figure::{Figure, Figures, median, number};
use crate::goal::Goal;
use crate::machine;
use crate::options::{Options, Size};
use crate::{Outcome, opentaxii};

/// The page where there is none yet.
const NEW_PAGE: &str = "\
# Benchmarks

<!-- begin machine -->
<!-- end machine -->

## What bounds each figure

Not written yet.
";

pub(crate) struct Report {
    out: Option<PathBuf>,
    page: String,
    machine: String,
    measured: String,
    /// Reading all at the first size of this run: larger ones should come near it.
    first: Option<(Size, f64)>,
}

impl Report {
    pub(crate) fn open(options: &Options, corpus: &Corpus, scratch: &Path) -> Outcome<Report> {
        let out = options.out.clone();
        let page = match &out {
            Some(path) if path.exists() => std::fs::read_to_string(path)?,
            _ => NEW_PAGE.to_owned(),
        };
        let version = machine::said(&options.comity()?.display().to_string(), &["--version"]);
        let date = machine::said("date", &["-u", "+%Y-%m-%d"]);
        let measured = format!("{version}, commit {}, {date}", machine::commit());
        let machine = format!(
            "Machine: {}. Client and server share it.\n\nObjects: {}; \
             then copies with identifiers of their own.\n",
            machine::told(scratch),
            corpus.told()
        );
        Ok(Report { out, page, machine, measured, first: None })
    }

    /// Puts the figures of a size on the page.
    pub(crate) fn size(&mut self, size: Size, figures: &Figures) {
        let (name, measured) = (size.name(), self.measured.clone());
        let mut text = format!(
            "## {} objects\n\n{measured}: `just bench --sizes {name}`\n\n\
             | figure | median | min to max, runs | floor: median (figure / floor) | goal | met |\n\
             |---|---:|---|---|---|---|\n",
            number(size.0 as f64)
        );
        for figure in &figures.0 {
            text.push_str(&row(figure, size));
        }
        let whole = figures.0.iter().find(|figure| figure.name == "read all, limit 1000");
        let median = whole.map(Figure::median).unwrap_or_default();
        match self.first {
            None => self.first = Some((size, median)),
            Some((first, before)) => text.push_str(&beside_first(median / before, first)),
        }
        self.section(&name, &text);
    }

    pub(crate) fn opentaxii(&mut self, figures: &Figures) {
        let mut text = format!(
            "## {}, the same client, {} objects\n\n{}\n\n\
             | figure | median | min to max, runs |\n|---|---:|---|\n",
            opentaxii::told(),
            number(opentaxii::OBJECTS as f64),
            self.measured
        );
        for figure in &figures.0 {
            text.push_str(&format!("| {} | {} | {} |\n", figure.name, value(figure), span(figure)));
        }
        self.section("opentaxii", &text);
    }

    /// Writes the page, where a file was named.
    pub(crate) fn write(&mut self) -> Outcome<()> {
        let machine = self.machine.clone();
        self.section("machine", &machine);
        if let Some(path) = &self.out {
            std::fs::write(path, &self.page)?;
        }
        Ok(())
    }

    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    /// Replaces what is between the marks of a name. A new section goes before the part that is
    /// written by hand.
    fn section(&mut self, name: &str, text: &str) {
        let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->\n"));
        let whole = format!("{begin}\n{}\n{end}", text.trim_end().to_owned() + "\n");
        let found = self.page.find(&begin).zip(self.page.find(&end));
        match found {
            Some((from, to)) if from < to => {
                self.page.replace_range(from..to + end.len(), &whole);
            }
            _ => {
                let at = self.page.find("## What bounds").unwrap_or(self.page.len());
                self.page.insert_str(at, &format!("{whole}\n"));
            }
        }
    }
}

/// A collection that is larger should not be read more slowly.
fn beside_first(share: f64, first: Size) -> String {
    const LEAST: f64 = 0.8;
    let met = if share >= LEAST { "yes" } else { "**no**" };
    let name = first.name();
    format!(
        "| read all, limit 1000: of that at {name} | {} | | | ≥ {LEAST} | {met} |\n",
        number(share)
    )
}

fn row(figure: &Figure, size: Size) -> String {
    let floors: Vec<String> = figure
        .floors
        .iter()
        .map(|floor| {
            let (bare, ratio) = (floor.median(), figure.median() / floor.median());
            format!("{}: {} ({ratio:.2})", floor.name, number(bare))
        })
        .collect();
    let goal = Goal::of(&figure.name, size);
    let met = goal.map_or_else(String::new, |goal| goal.met(figure));
    format!(
        "| {} | {} | {} | {} | {} | {met} |\n",
        figure.name,
        value(figure),
        span(figure),
        floors.join("; "),
        goal.map(words).unwrap_or_default()
    )
}

fn value(figure: &Figure) -> String {
    format!("{} {}", number(median(&figure.runs)), figure.unit)
}

fn span(figure: &Figure) -> String {
    let least = figure.runs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figure.runs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match figure.runs.len() {
        1 => "1 run".to_owned(),
        runs => format!("{} to {}, {runs}", number(least), number(most)),
    }
}

fn words(goal: Goal) -> String {
    let least = goal.least.map(|value| format!("≥ {}", whole(value)));
    let most = goal.most.map(|value| format!("≤ {}", whole(value)));
    let ratio = goal.ratio.map(|ratio| format!("≥ {ratio} of the floor"));
    let parts: Vec<String> = [least, most, ratio].into_iter().flatten().collect();
    parts.join(", ")
}

/// A goal is a round number.
fn whole(value: f64) -> String {
    let text = number(value);
    text.trim_end_matches('0').strip_suffix('.').map(str::to_owned).unwrap_or(text)
}
