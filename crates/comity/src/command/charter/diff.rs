//! `comity charter diff`: what changes, what that loosens, and both fingerprints.

use comity_charter::Charter;
use serde_json::{Value, json};

use crate::output::{Output, table};

pub(super) fn show(old: &Charter, new: &Charter, output: &Output) {
    let changes = comity_charter::diff(old, new);
    let loosened = changes.iter().filter(|change| change.loosens.is_some()).count();
    let lines: Vec<Value> = changes
        .iter()
        .map(|it| json!({ "subject": it.subject, "what": it.what, "loosens": it.loosens }))
        .collect();
    let named = |charter: &Charter| {
        json!({
            "version": charter.version,
            "hash": charter.hash.to_string(),
            "fingerprint": charter.hash.fingerprint(),
        })
    };
    let value = json!({
        "old": named(old),
        "new": named(new),
        "changes": lines,
        "loosened": loosened,
    });
    output.result(&value, || {
        let mut text = String::new();
        for (word, charter) in [("old", old), ("new", new)] {
            text.push_str(&format!(
                "{word}        version {}, {}\n           {}\n",
                charter.version,
                charter.hash,
                charter.hash.fingerprint()
            ));
        }
        if changes.is_empty() {
            return format!("{text}\nnothing changes\n");
        }
        let rows: Vec<Vec<String>> = changes
            .iter()
            .map(|it| {
                let mark = if it.loosens.is_some() { "!" } else { "" };
                let what = match &it.loosens {
                    Some(why) => format!("{} ({why})", it.what),
                    None => it.what.clone(),
                };
                vec![mark.to_owned(), it.subject.clone(), what]
            })
            .collect();
        text.push('\n');
        text.push_str(&table(&["", "SUBJECT", "CHANGE"], &rows));
        let count = changes.len();
        text.push_str(&format!("\n{count} changes; {loosened} loosen or may loosen something\n"));
        text
    });
}
