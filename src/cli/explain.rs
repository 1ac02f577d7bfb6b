//! `explain`: what the table of rules says.

use std::io::{self, Write};

use super::args::{Common, ExplainArgs, ExplainFormat};
use super::commands::{color_for, open};
use super::failure::Failure;
use super::nearest::nearest;
use crate::diagnose::{self, Rule};
use crate::output::explain as drawn;
use crate::view::show;

pub(super) fn explain(common: &Common, args: &ExplainArgs) -> Result<u8, Failure> {
    let rule = args.rule.as_deref().map(find).transpose()?;
    let mut sink = open(common)?;
    let color = color_for(common, &sink);
    let out: &mut dyn Write = &mut sink;
    let written: io::Result<()> = match (args.format, rule) {
        (ExplainFormat::Text, Some(rule)) => drawn::text(out, rule, color, common.ascii),
        (ExplainFormat::Text, None) => drawn::list(out, color, common.ascii),
        (ExplainFormat::Markdown, Some(rule)) => drawn::markdown(out, rule),
        (ExplainFormat::Markdown, None) => drawn::document(out),
        (ExplainFormat::Json, rule) => drawn::json(out, rule),
    };
    written?;
    sink.finish()?;
    Ok(0)
}

fn find(name: &str) -> Result<&'static Rule, Failure> {
    diagnose::rule(name).ok_or_else(|| {
        let hint = match nearest(name, diagnose::rules().map(|r| r.id)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`callscope explain` lists them".to_owned(),
        };
        Failure::usage(format!("no rule `{}` ({hint})", show::safe_str(name)))
    })
}
