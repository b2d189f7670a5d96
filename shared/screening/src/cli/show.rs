//! Hits as a person reads them.
//!
//! Invariant: everything an explanation holds is shown; nothing is computed here.

use crate::{Config, Hit};
use std::io::{self, Write};

pub(super) fn hits(hits: &[Hit], config: &Config, out: &mut impl Write) -> io::Result<()> {
    if hits.is_empty() {
        return writeln!(out, "nothing listed resembles this name");
    }
    for hit in hits {
        let mark = if hit.score >= config.threshold { "HIT " } else { "    " };
        writeln!(
            out,
            "{mark}{:.3}  {}  [{} {}, {:?}, {:?}]",
            hit.score, hit.name, hit.list_name, hit.uid, hit.entity_type, hit.topic
        )?;
        writeln!(
            out,
            "      matched {:?} name {:?}; name alone {:.3}; OFAC-parity {:.3}",
            hit.matched_kind, hit.matched_name, hit.name_score, hit.parity_score
        )?;
        let explanation = &hit.explanation;
        for token in &explanation.tokens {
            let reason = serde_json::to_string(&token.reason).unwrap_or_else(|_| String::new());
            writeln!(
                out,
                "        {:<20} ~ {:<20} {:.2} weight {:.2}  {}",
                token.query,
                token.listed,
                token.likeness,
                token.weight,
                reason.trim_matches('"')
            )?;
        }
        if !explanation.unmatched_query.is_empty() {
            writeln!(out, "        only in the query: {}", explanation.unmatched_query.join(" "))?;
        }
        if !explanation.unmatched_listed.is_empty() {
            writeln!(out, "        only in the list:  {}", explanation.unmatched_listed.join(" "))?;
        }
        for term in &explanation.name_terms {
            writeln!(out, "        {:+.2}  {} = {:.2}", term.log_odds, term.feature, term.value)?;
        }
        for evidence in &explanation.evidence {
            writeln!(out, "        {:+.2}  {}", evidence.log_odds, evidence.outcome)?;
        }
        if !hit.programs.is_empty() {
            writeln!(out, "        programmes: {}", hit.programs.join(", "))?;
        }
    }
    let first = hits.first().map(|hit| &hit.explanation);
    if let Some(explanation) = first {
        writeln!(
            out,
            "threshold {:.2}, engine {}, configuration {}, index {}",
            explanation.threshold, explanation.engine, explanation.config, explanation.index
        )?;
    }
    Ok(())
}
