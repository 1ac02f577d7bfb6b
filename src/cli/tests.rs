use super::args::{Cli, Command, LadderFormat, SummaryFormat};
use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

fn files(line: &str) -> Vec<String> {
    let cli = parse(line).expect("parses");
    assert!(cli.command.is_none(), "{line}");
    cli.files.iter().map(|f| f.display().to_string()).collect()
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn files_without_a_command() {
    assert_eq!(files("callscope a.pcap"), ["a.pcap"]);
    assert_eq!(files("callscope --filter x a.pcap b.pcap"), ["a.pcap", "b.pcap"]);
    assert_eq!(files("callscope a.pcap --color never -"), ["a.pcap", "-"]);
    assert_eq!(files("callscope ./summary"), ["./summary"]);
    assert_eq!(files("callscope -- summary calls"), ["summary", "calls"]);
    assert_eq!(files("callscope a.pcap summary"), ["a.pcap", "summary"]);
}

#[test]
fn common_options_before_and_after_the_command() {
    for line in ["callscope -q --time utc summary a.pcap", "callscope summary -q a.pcap --time utc"] {
        let cli = parse(line).expect("parses");
        assert!(cli.common.quiet && cli.common.time.is_some(), "{line}");
        assert!(matches!(cli.command, Some(Command::Summary(ref a)) if a.format == SummaryFormat::Text));
    }
    let cli = parse("callscope ladder --call 3 --call x@y a.pcap --format svg").expect("parses");
    match cli.command {
        Some(Command::Ladder(a)) => {
            assert_eq!(a.selection.call, ["3", "x@y"]);
            assert_eq!(a.format, LadderFormat::Svg);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_usage() {
    for line in [
        "callscope summary",
        "callscope decode a.pcap",
        "callscope decode a.pcap --frame 0",
        "callscope summary a.pcap --format pdf",
        "callscope --limits flows a.pcap",
        "callscope --sip-port 0 a.pcap",
        "callscope --turn-user alice a.pcap",
        "callscope --turn-user :secret a.pcap",
        "callscope summary a.pcap --nonsense",
    ] {
        assert!(parse(line).is_err_and(|e| e.use_stderr()), "{line}");
    }
}

#[test]
fn help_of_every_command() {
    let mut whole = command();
    whole = whole.term_width(100);
    whole.build();
    insta::assert_snapshot!("help", whole.clone().render_help().to_string());
    for sub in whole.get_subcommands().filter(|c| c.get_name() != "help") {
        let text = sub.clone().term_width(100).render_help().to_string();
        assert!(text.contains("Examples:"), "{} has no examples", sub.get_name());
        insta::assert_snapshot!(format!("help-{}", sub.get_name()), text);
    }
}
