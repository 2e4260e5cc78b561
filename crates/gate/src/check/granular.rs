//! Granular markings: every selector names something that is there (S046, S047).

use comity_wire::json::Value;
use comity_wire::limits::SELECTORS_MAX;

use super::{At, Check};
use crate::refusal::{Code, Refusal};

pub(crate) static SELECTOR: Code = Code {
    id: "selector-malformed",
    meaning: "a selector is a property, then names and `[positions]` between dots",
    source: "S047",
};
pub(crate) static TOO_MANY: Code = Code {
    id: "selector-too-many",
    meaning: "more selectors in one object than a node follows",
    source: "limits: SELECTORS_MAX",
};
pub(crate) static UNRESOLVED: Code = Code {
    id: "selector-unresolved",
    meaning: "a selector names nothing in this object",
    source: "S047",
};

impl Check<'_> {
    pub(super) fn granular_markings(&self) -> Result<(), Refusal> {
        let Some(Value::Array(entries)) = self.object.get("granular_markings") else {
            return Ok(());
        };
        let at = At::Member(&At::Root, "granular_markings");
        let mut count = 0;
        for (place, entry) in entries.iter().enumerate() {
            let here = at.index(place);
            let here = here.member("selectors");
            let selectors = entry
                .as_object()
                .and_then(|entry| entry.get("selectors"))
                .and_then(Value::as_array)
                .unwrap_or_default();
            count += selectors.len();
            if count > SELECTORS_MAX {
                return Err(Refusal::new(&TOO_MANY, at.path())
                    .found("more selectors")
                    .required(format!("at most {SELECTORS_MAX} in one object")));
            }
            for (place, selector) in selectors.iter().enumerate() {
                let Some(selector) = selector.as_str() else {
                    continue;
                };
                if let Err(code) = self.resolve(selector) {
                    return Err(Refusal::new(code, here.index(place).path()));
                }
            }
        }
        Ok(())
    }

    /// Follows a selector through the object.
    fn resolve(&self, selector: &str) -> Result<(), &'static Code> {
        let mut steps = selector.split('.');
        let first = steps.next().filter(|name| is_name(name)).ok_or(&SELECTOR)?;
        let mut value = self.object.get(first);
        for step in steps {
            value = match position(step) {
                Some(place) => value.and_then(Value::as_array).and_then(|items| items.get(place?)),
                None if is_name(step) => {
                    value.and_then(Value::as_object).and_then(|object| object.get(step))
                }
                None => return Err(&SELECTOR),
            };
        }
        value.map(|_| ()).ok_or(&UNRESOLVED)
    }
}

fn is_name(step: &str) -> bool {
    (1..=250).contains(&step.len())
        && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// `[n]`: some position, which may be beyond any list.
fn position(step: &str) -> Option<Option<usize>> {
    let digits = step.strip_prefix('[')?.strip_suffix(']')?;
    let good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| digits.parse().ok())
}
