//! The arguments as clap reads them, with their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

mod common;

use super::limits;

pub(super) use common::{ColorArg, Common};

const EXIT_CODES: &str = "\
Exit status:
  0  analysed
  1  --fail-on was hit
  2  wrong usage, or the output cannot be written
  3  an input could not be read at all (the others were still reported)";

const TOP_EXAMPLES: &str = "\
Examples:
  callscope trace.pcapng                       the terminal UI
  tcpdump -w - port 5060 | callscope -         the same, live
  callscope summary trace.pcapng               what is in it and what is wrong
  callscope calls --filter 'status >= 400' *.pcap
  callscope ladder trace.pcapng --call 3       the flow of call 3
  callscope --redact trace.pcapng              the same without names, numbers and addresses
  callscope extract --redact trace.pcapng --call 3 -o call3.pcapng
  callscope ./summary                          a capture that is named like a command

Exit status:
  0  analysed
  1  --fail-on was hit
  2  wrong usage, or the output cannot be written
  3  an input could not be read at all (the others were still reported)";

/// Reads packet captures and shows what happened in the SIP calls inside them.
///
/// Without a command it opens the terminal UI; with standard output not a terminal it prints what `summary`
/// prints. Captures are pcap, pcapng, Network Monitor 2.x or snoop, plain or compressed (gzip, zstd, lz4), told by
/// content; `-` is standard input; several files and directories are read together and merged by time.
#[derive(Debug, Parser)]
#[command(name = "callscope", version, after_help = TOP_EXAMPLES)]
#[command(after_long_help = format!("{TOP_EXAMPLES}\n\n{}", limits::list()))]
#[command(max_term_width = 110, infer_long_args = false)]
pub(super) struct Cli {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// What is in the captures and what is wrong
    Summary(SummaryArgs),
    /// Many captures, each on its own: one row a capture, the worst first
    Batch(BatchArgs),
    /// One row a call
    Calls(TableArgs),
    /// One row a dialog that is not a call: REGISTER, SUBSCRIBE, OPTIONS, MESSAGE …
    Dialogs(TableArgs),
    /// The flow of calls as a ladder
    Ladder(LadderArgs),
    /// ICE: candidate tables, pair boards, and why a pair was chosen or none worked
    Candidates(CandidatesArgs),
    /// TURN: one row an allocation
    Allocations(AllocationsArgs),
    /// Sign-ins: registration, provisioning and media-relay credentials of each endpoint
    #[command(after_help = SIGN_INS_HELP, after_long_help = format!("{SIGN_INS_HELP}\n\n{EXIT_CODES}"))]
    SignIns(ListArgs),
    /// Subscriptions: who watches whom, how often and how much is told
    #[command(after_help = SUBSCRIPTIONS_HELP, after_long_help = format!("{SUBSCRIPTIONS_HELP}\n\n{EXIT_CODES}"))]
    Subscriptions(ListArgs),
    /// Conferences: commands, roster and the calls that belong to them
    #[command(after_help = CONFERENCES_HELP, after_long_help = format!("{CONFERENCES_HELP}\n\n{EXIT_CODES}"))]
    Conferences(ListArgs),
    /// Instant messages and what became of them
    #[command(after_help = MESSAGES_HELP, after_long_help = format!("{MESSAGES_HELP}\n\n{EXIT_CODES}"))]
    Messages(ListArgs),
    /// SQL Server look-ups (UDP 1434), their answers and the connections that followed
    #[command(after_help = SQL_HELP, after_long_help = format!("{SQL_HELP}\n\n{EXIT_CODES}"))]
    Sql(ListArgs),
    /// Media streams (RTP): loss, jitter, gaps, marks and an estimate of their quality
    #[command(after_help = MEDIA_HELP, after_long_help = format!("{MEDIA_HELP}\n\n{EXIT_CODES}"))]
    Media(ListArgs),
    /// What went wrong: one row a finding, with the frames that prove it and what to do next
    #[command(after_help = FINDINGS_HELP, after_long_help = format!("{FINDINGS_HELP}\n\n{EXIT_CODES}"))]
    Findings(ListArgs),
    /// What a finding means, how it is detected, what to do; without a rule all rules
    Explain(ExplainArgs),
    /// Every field of a frame as a tree with byte ranges
    Decode(DecodeArgs),
    /// A pcapng of some calls' own frames, or of a media stream; its audio as WAV
    Extract(ExtractArgs),
    /// Completions for a shell
    Completions(CompletionsArgs),
    /// The manual page (roff)
    Man(ManArgs),
}

const SUMMARY_HELP: &str = "\
Examples:
  callscope summary trace.pcapng
  callscope summary --format json trace.pcapng | jq '.calls[] | select(.final_status >= 400)'
  callscope summary --format ndjson --fail-on warning captures/ -o report.ndjson
  callscope summary --format html -o report.html trace.pcapng        one page for a ticket
  callscope summary --format html --filter 'from ~ alice' -o alice.html trace.pcapng
  callscope summary --format markdown trace.pcapng                   the same in short, to be pasted
  callscope summary --format csv -o tables/ trace.pcapng             a file for each kind of list

A folder (its name ends in `/`, or it is there) gets calls.csv, dialogs.csv, findings.csv and so on: each has \
every column, and where there is nothing of its kind only the head. None is replaced without --force.
The page tells the worst calls of a big capture in full and the others in its tables; how much is for \
--limits report_calls=N, report_rows, report_messages, report_frames and report_bytes to say.";

#[derive(Debug, Args)]
#[command(after_help = SUMMARY_HELP, after_long_help = format!("{SUMMARY_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct SummaryArgs {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// text, json (one object), ndjson (one line a capture file, each on its own), csv (the calls; into a folder: all
    /// lists), markdown (for a ticket), html (one page that needs nothing else)
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: SummaryFormat,
    /// Indent JSON
    #[arg(long)]
    pub pretty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SummaryFormat {
    Text,
    Json,
    Ndjson,
    Csv,
    Markdown,
    Html,
}

const BATCH_HELP: &str = "\
Examples:
  callscope batch captures/
  callscope batch --jobs 2 --format csv -o table.csv monday/ tuesday/ trace.pcapng
  callscope batch --filter 'from ~ alice && status >= 400' captures/      which of them hold such a call
  callscope batch --fail-on error --format ndjson captures/ | jq -r 'select(.findings.error > 0) | .path'

Calls count as failed that were rejected, failed or not answered. A capture that cannot be read is a row too, and makes \
the exit status 3. With --filter calls, dialogs and findings count that match, and captures with none of them are left out.";

#[derive(Debug, Args)]
#[command(after_help = BATCH_HELP, after_long_help = format!("{BATCH_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct BatchArgs {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// text, csv and markdown (the table), json (one object), ndjson (one line a capture)
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TableFormat,
    /// Captures that are read at once; 0 is one a core. Memory is that of so many
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub jobs: usize,
    /// Indent JSON
    #[arg(long)]
    pub pretty: bool,
}

const TABLE_HELP: &str = "\
Examples:
  callscope calls trace.pcapng
  callscope calls --columns id,from,to,state,header:User-Agent --sort -talk trace.pcapng
  callscope dialogs --filter 'method == REGISTER' --format csv -o registers.csv captures/

CSV cells are given as they are; a spreadsheet may take one that begins with =, +, - or @ for a formula.";

#[derive(Debug, Args)]
#[command(after_help = TABLE_HELP, after_long_help = format!("{TABLE_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct TableArgs {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// text, csv, markdown, json (objects of the JSON contract), ndjson (one such object a line)
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TableFormat,
    /// Columns in order, separated by commas; `header:NAME` is any header of the first request
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Column to sort by; `-KEY` is descending
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Indent JSON
    #[arg(long)]
    pub pretty: bool,
}

/// Examples of the commands that list; each row has its facts and messages.
macro_rules! list_help {
    ($name:literal, $columns:literal, $filter:literal) => {
        concat!(
            "Examples:\n",
            "  callscope ",
            $name,
            " trace.pcapng\n",
            "  callscope ",
            $name,
            " trace.pcapng --row 3\n",
            "  callscope ",
            $name,
            " --columns ",
            $columns,
            " trace.pcapng\n",
            "  callscope ",
            $name,
            " --filter '",
            $filter,
            "' --format csv trace.pcapng\n",
            "  callscope ",
            $name,
            " --format json trace.pcapng"
        )
    };
}

const SIGN_INS_HELP: &str =
    list_help!("sign-ins", "id,user,server,state,stopped", "user == alice@contoso.com");
const SUBSCRIPTIONS_HELP: &str =
    list_help!("subscriptions", "id,subscriber,period --sort -bytes", "user == alice@contoso.com");
const CONFERENCES_HELP: &str =
    list_help!("conferences", "id,conference,organizer,failed,worst", "user == alice@contoso.com");
const MESSAGES_HELP: &str = list_help!("messages", "time,from,to,delivered,frame", "status >= 400");
const SQL_HELP: &str = "\
Examples:
  callscope sql trace.pcapng
  callscope sql trace.pcapng --row 3
  callscope sql --columns asked,client,server,port,verdict trace.pcapng
  callscope sql --format json trace.pcapng
  callscope ladder trace.pcapng --sql 3        question, answer and connection as a ladder";

const MEDIA_HELP: &str = "\
Examples:
  callscope media trace.pcapng
  callscope media trace.pcapng --row 3                          all there is to say of stream 3
  callscope media --filter 'media.loss > 2% or media.mos < 3.6' trace.pcapng
  callscope media --columns id,call,src,dst,ssrc,loss,burst,gap --sort -loss trace.pcapng
  callscope media --filter 'media.dscp != EF' --format csv -o unmarked.csv captures/
  callscope media --format json trace.pcapng

Loss and jitter are those of the capture point: what is lost behind it only RTCP of the receiver tells.";

const FINDINGS_HELP: &str = "\
Examples:
  callscope findings trace.pcapng
  callscope findings trace.pcapng --row 1                     all of one: what the frames show and what to do next
  callscope findings --filter 'finding == error' trace.pcapng
  callscope findings --columns severity,calls,title,advice --format markdown trace.pcapng
  callscope findings --format json --fail-on error captures/";

const EXPLAIN_HELP: &str = "\
Examples:
  callscope explain
  callscope explain ice-no-pair
  callscope explain --format markdown -o findings.md";

#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub(super) struct ExplainArgs {
    /// The rule, as `findings` names it
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
    /// text, markdown (of all rules: a whole document), json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExplainFormat {
    Text,
    Markdown,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub table: TableArgs,
    /// All there is to say of this row, by its number (repeatable); text and JSON
    #[arg(long, value_name = "N", value_parser = parse_number)]
    pub row: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableFormat {
    Text,
    Json,
    Ndjson,
    Csv,
    Markdown,
}

const LADDER_HELP: &str = "\
Examples:
  callscope ladder trace.pcapng --call 3
  callscope ladder trace.pcapng --call 3 --call a84b4c76e66710@pc33 --width 160
  callscope ladder trace.pcapng --call 3 --format svg -o call3.svg
  callscope ladder trace.pcapng --call 3 --format html -o call3.html      with its messages
  callscope ladder trace.pcapng --filter 'from ~ alice'";

/// Which calls and dialogs are meant.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Selection {
    /// Call by number or Call-ID (repeatable); without it those that match --filter, or the only call there is
    #[arg(long, value_name = "N|CALL-ID")]
    pub call: Vec<String>,
    /// Dialog that is not a call, by number or Call-ID (repeatable)
    #[arg(long, value_name = "N|CALL-ID")]
    pub dialog: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = LADDER_HELP, after_long_help = format!("{LADDER_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct LadderArgs {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub selection: Selection,
    /// The look-up of SQL Server of that number, with what SIP is joined to it
    #[arg(long, value_name = "N")]
    pub sql: Option<u32>,
    /// text, svg, html, mermaid, json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: LadderFormat,
    /// Take in the other legs of the calls
    #[arg(long)]
    pub extended: bool,
    /// Every retransmission as a row of its own
    #[arg(long)]
    pub unfold: bool,
    /// Columns of text output; by default those of the terminal, else 120
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Indent JSON
    #[arg(long)]
    pub pretty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LadderFormat {
    Text,
    Svg,
    Html,
    Mermaid,
    Json,
}

const CANDIDATES_HELP: &str = "\
Examples:
  callscope candidates trace.pcapng --call 3
  callscope candidates --filter 'ice.state == failed' trace.pcapng
  callscope candidates --table sessions trace.pcapng              one row a session
  callscope candidates --call 3 --state unanswered trace.pcapng   only those pairs on the board
  callscope candidates --format csv --table pairs -o pairs.csv trace.pcapng";

#[derive(Debug, Args)]
#[command(after_help = CANDIDATES_HELP, after_long_help = format!("{CANDIDATES_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct CandidatesArgs {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Call by number or Call-ID (repeatable); without it those that match --filter, or all
    #[arg(long, value_name = "N|CALL-ID")]
    pub call: Vec<String>,
    /// Session by number (repeatable)
    #[arg(long, value_name = "N", value_parser = parse_number)]
    pub session: Vec<u32>,
    /// One table instead of tables and boards; csv and markdown without it: candidates
    #[arg(long, value_name = "TABLE")]
    pub table: Option<IceTable>,
    /// Only pairs in this state
    #[arg(long, value_name = "STATE")]
    pub state: Option<PairStateArg>,
    /// text, json (objects of the JSON contract), ndjson (one such object a line), csv, markdown
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TableFormat,
    /// Columns of text output; by default those of the terminal, else 120
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Indent JSON
    #[arg(long)]
    pub pretty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum IceTable {
    Sessions,
    Candidates,
    Pairs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PairStateArg {
    Succeeded,
    Failed,
    Unanswered,
    #[value(name = "not_checked")]
    NotChecked,
}

const ALLOCATIONS_HELP: &str = "\
Examples:
  callscope allocations trace.pcapng
  callscope allocations trace.pcapng --allocation 5               its rounds and peers
  callscope allocations --columns id,client,server,rounds,error --sort outcome trace.pcapng
  callscope allocations --format csv -o allocations.csv captures/";

#[derive(Debug, Args)]
#[command(
    after_help = ALLOCATIONS_HELP,
    after_long_help = format!("{ALLOCATIONS_HELP}\n\n{EXIT_CODES}"),
    mut_arg("columns", |a| a.help("Columns in order, separated by commas"))
)]
pub(super) struct AllocationsArgs {
    #[command(flatten)]
    pub table: TableArgs,
    /// Rounds and peers of this allocation (repeatable); text and JSON
    #[arg(long, value_name = "N", value_parser = parse_number)]
    pub allocation: Vec<u32>,
}

const DECODE_HELP: &str = "\
Examples:
  callscope decode trace.pcapng --frame 212
  callscope decode trace.pcapng --frame 212 --hex
  callscope decode a.pcap b.pcap --frame 1:212 --format json     frame 212 of the second file";

#[derive(Debug, Args)]
#[command(after_help = DECODE_HELP, after_long_help = format!("{DECODE_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct DecodeArgs {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Frame by number, counted from 1 as Wireshark does; `C:N` is frame N of capture C (from 0); repeatable
    #[arg(long, value_name = "N", required = true, value_parser = parse_frame)]
    pub frame: Vec<(u16, u32)>,
    /// text, json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: DecodeFormat,
    /// The bytes too
    #[arg(long)]
    pub hex: bool,
    /// Indent JSON
    #[arg(long)]
    pub pretty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DecodeFormat {
    Text,
    Json,
}

fn parse_frame(text: &str) -> Result<(u16, u32), String> {
    let (capture, frame) = text.split_once(':').unwrap_or(("0", text));
    let capture = capture.parse().map_err(|_| "expected N, or C:N with the number of a capture from 0")?;
    match frame.parse() {
        Ok(0) => Err("frames are counted from 1".to_owned()),
        Ok(frame) => Ok((capture, frame)),
        Err(_) => Err("expected the number of a frame, or C:N of capture C".to_owned()),
    }
}

/// The number in the first column of a table.
fn parse_number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "expected a number, as in the column #".to_owned())
}

const EXTRACT_HELP: &str = "\
Examples:
  callscope extract trace.pcapng --call 3 -o call3.pcapng
  callscope extract trace.pcapng --filter 'status >= 500' --no-media -o failed.pcapng
  callscope extract edge.pcap fe.pcap --call 1 -o both.pcapng
  callscope extract trace.pcapng --stream 4 -o stream4.pcapng    its packets of RTP
  callscope extract trace.pcapng --stream 4 --wav stream4.wav    its audio (G.711, G.722, L16; not SRTP)";

#[derive(Debug, Args)]
#[command(after_help = EXTRACT_HELP, after_long_help = format!("{EXTRACT_HELP}\n\n{EXIT_CODES}"))]
pub(super) struct ExtractArgs {
    /// Captures or directories; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub selection: Selection,
    /// Leave out the media that the calls' SDP announces
    #[arg(long)]
    pub no_media: bool,
    /// Take in the other legs of the calls
    #[arg(long)]
    pub extended: bool,
    /// Instead of calls the packets of this media stream, by its number in `callscope media`
    #[arg(long, value_name = "N", value_parser = parse_number, conflicts_with_all = ["call", "dialog", "no_media", "extended", "filter"])]
    pub stream: Option<u32>,
    /// Write the audio of the stream to this file; lost packets are silence of their length
    #[arg(long, value_name = "FILE", requires = "stream", value_hint = ValueHint::FilePath)]
    pub wav: Option<PathBuf>,
}

const COMPLETIONS_HELP: &str = "\
Examples:
  callscope completions bash > ~/.local/share/bash-completion/completions/callscope
  callscope completions zsh > ~/.zfunc/_callscope";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub(super) struct CompletionsArgs {
    pub shell: clap_complete::Shell,
}

const MAN_HELP: &str = "\
Examples:
  callscope man | man -l -
  callscope man ladder -o callscope-ladder.1";

#[derive(Debug, Args)]
#[command(after_help = MAN_HELP)]
pub(super) struct ManArgs {
    /// The page of a command instead of the whole program's
    pub command: Option<String>,
}
