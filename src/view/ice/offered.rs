//! The candidate tables of a single message, whatever became of them.

use super::sides::candidate_row;
use super::*;
use crate::correlate::MsgIdx;
use crate::correlate::ice::Sources;

/// A table for each body and media section with candidates, in order; `sources` is asked for only if there are any.
pub fn offered(
    analysis: &Analysis,
    message: MsgIdx,
    sources: impl FnOnce() -> std::sync::Arc<Sources>,
) -> Vec<SideTable> {
    let all = analysis.ice_offered(message);
    if all.is_empty() {
        return Vec::new();
    }
    let sources = sources();
    let several = all.iter().any(|o| o.fallback != all[0].fallback);
    all.iter()
        .map(|o| {
            let rows: Vec<CandidateRow> =
                o.side.candidates.iter().map(|c| candidate_row(analysis, &sources, c)).collect();
            let count = show::count(rows.len() as u64, "candidate", "candidates");
            let media = show::safe_str(&o.media);
            let generation = o.side.candidates.first().map_or(CandidateSyntax::None, |c| c.generation);
            let mut title = format!("{media}: {count}, {}", syntax_words(generation));
            if o.fallback {
                title.push_str(", the fallback part for older clients");
            } else if several {
                title.push_str(", the main part");
            }
            if o.fragment {
                title.push_str(", trickled");
            }
            if o.side.lite {
                title.push_str(", ICE lite");
            }
            SideTable {
                party: media,
                title,
                ufrag: o.side.ufrag.as_deref().map(show::safe_str).unwrap_or_default(),
                lite: o.side.lite,
                generation,
                fallback: o.fallback,
                rows,
                not_kept: o.side.not_kept,
            }
        })
        .collect()
}
