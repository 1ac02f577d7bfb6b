//! What several tests need: loading a capture, the samples and their manifest.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use callscope::capture::Input;
use callscope::correlate::Analysis;
use callscope::correlate::load::{LoadOptions, load};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    pub file: String,
    pub sha256: String,
    pub origin: String,
    pub what: String,
    /// What is found wrong: severity, rule, its first subject, and of how many; in order.
    #[serde(default)]
    pub findings: Vec<String>,
    /// What comes close to a rule and is not it: `rule: what happened instead`.
    #[serde(default)]
    pub near: Vec<String>,
    /// What is found beside that, or no more, once a profile of marks is chosen.
    pub qos: Option<QosTruth>,
    /// State, final status, who hung up; in order of appearance.
    pub calls: Option<Vec<String>>,
    /// Method, state, status: each must be among the dialogs.
    #[serde(default)]
    pub dialogs: Vec<String>,
    /// Requests by method: these exactly for the methods named.
    #[serde(default)]
    pub requests: BTreeMap<String, u64>,
    #[serde(default)]
    pub retransmissions: u64,
    #[serde(default)]
    pub duplicates: u64,
    #[serde(default)]
    pub malformed: Option<u64>,
    #[serde(default)]
    pub tls_sessions: Option<u64>,
    #[serde(default)]
    pub fragment_pending: u64,
    /// Codes of capture issues that must be there.
    #[serde(default)]
    pub issues: Vec<String>,
    /// Ways by which legs of calls are joined.
    #[serde(default)]
    pub links: Vec<String>,
    /// What each call is about.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Why each call failed and the frame that shows it, where no SIP answer says it; else empty.
    #[serde(default)]
    pub failures: Vec<String>,
    /// Whether each call started before the capture.
    #[serde(default)]
    pub mid_call: Vec<bool>,
    /// The ICE sessions in order.
    #[serde(default)]
    pub ice: Vec<IceTruth>,
    /// The TURN allocations in order: client, server, transport, state; mapped and relayed address; what each round was
    /// answered; the last error.
    #[serde(default)]
    pub allocations: Vec<String>,
    /// The sign-ins in order: user (or domain), state, status; each step and how it ended; the allocations that use its
    /// credentials.
    #[serde(default)]
    pub sign_ins: Vec<String>,
    /// Messages that ask for SRV.
    #[serde(default)]
    pub srv_queries: u64,
    /// The look-ups of SQL Server in order: client's last number, question, answer; then; verdict; 5xx joined.
    #[serde(default)]
    pub lookups: Vec<String>,
    /// The instant messages in order: writer, recipient, status, number of the conversation, text in one line.
    #[serde(default)]
    pub instant_messages: Vec<String>,
    /// The subscriptions in order: subscriber, event, targets, fidelity, period in seconds, notifications, state, ending.
    #[serde(default)]
    pub subscriptions: Vec<String>,
    /// What the watcher of the first subscription was told: contact, what, value.
    #[serde(default)]
    pub told: Vec<String>,
    /// The conferences in order.
    #[serde(default)]
    pub conferences: Vec<ConferenceTruth>,
    /// Datagrams of DTLS, which are encrypted without being a session of TLS.
    #[serde(default)]
    pub encrypted_datagrams: u64,
    /// The media streams in any order: source, destination, SSRC, payload type and codec of most packets, whether it is
    /// SRTP; kind of media, number of the call, server, relayed address and peer of its relay; packets and how many
    /// were expected; lost (RFC 3550: expected less received), late and doubled ones; marks; report blocks about it. Then
    /// mean and maximum of the jitter in ms, where one figure is right.
    #[serde(default)]
    pub media: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QosTruth {
    /// By its name.
    pub profile: String,
    /// As in [`Sample::findings`].
    #[serde(default)]
    pub more: Vec<String>,
    #[serde(default)]
    pub less: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ConferenceTruth {
    /// Id, organizer, and whether the roster was complete and the conference ended.
    pub is: String,
    /// Kinds of conferencing servers.
    #[serde(default)]
    pub mcus: Vec<String>,
    /// Name, target, code and reason of each command.
    #[serde(default)]
    pub commands: Vec<String>,
    /// User, role, endpoints with status, how it left.
    #[serde(default)]
    pub roster: Vec<String>,
    /// Number of each call and what it is to the conference.
    #[serde(default)]
    pub legs: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct IceTruth {
    /// Number of the call, dialect, generation of the SDP, state.
    pub is: String,
    /// Candidates of the offerer and the answerer by type.
    pub a: String,
    pub b: String,
    /// Component, both ends, and how it is known.
    #[serde(default)]
    pub selected: Vec<String>,
    /// 487 answers, where there were any.
    #[serde(default)]
    pub role_conflicts: u32,
    /// The final offer names a candidate nobody offered.
    #[serde(default)]
    pub final_unknown: bool,
    /// Each candidate of the offerer, where the sample is about them.
    #[serde(default)]
    pub candidates: Vec<String>,
}

/// A capture of real clients and servers. What it says of them is what was set up and what another program counts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub file: String,
    pub sha256: String,
    /// Software and versions.
    pub origin: String,
    pub what: String,
    pub frames: u64,
    /// As in [`Sample::calls`].
    #[serde(default)]
    pub calls: Vec<String>,
    /// All requests by method and responses by status, as tshark counts them.
    #[serde(default)]
    pub requests: BTreeMap<String, u64>,
    #[serde(default)]
    pub responses: BTreeMap<String, u64>,
    /// The streams of RTP that tshark lists: source, destination, SSRC, packets, lost.
    #[serde(default)]
    pub streams: Vec<String>,
    /// As in [`Sample::findings`].
    pub findings: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Manifest {
    pub sample: Vec<Sample>,
    pub recording: Vec<Recording>,
}

pub fn samples_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

pub fn manifest() -> Vec<Sample> {
    whole_manifest().sample
}

pub fn whole_manifest() -> Manifest {
    let text = std::fs::read_to_string(samples_folder().join("MANIFEST.toml")).expect("the manifest");
    toml::from_str(&text).expect("a manifest that parses")
}

/// SHA-256 of a file in the folder of the samples.
pub fn sha256(file: &str) -> String {
    let bytes = std::fs::read(samples_folder().join(file)).expect("a sample");
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

pub fn analyse_with(paths: &[PathBuf], options: &LoadOptions) -> Analysis {
    let inputs: Vec<Input> = paths.iter().cloned().map(Input::Path).collect();
    let analysis = RwLock::new(Analysis::default());
    let report = load(&inputs, options, &analysis, &mut |_| ControlFlow::Continue(()));
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    analysis.into_inner().expect("no panic while the lock was held")
}

pub fn analyse(name: &str) -> Analysis {
    analyse_with(&[samples_folder().join(name)], &LoadOptions::default())
}

/// The same bytes as a capture file of their own.
pub fn analyse_bytes(bytes: &[u8]) -> Result<Analysis, callscope::capture::OpenError> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("room for it");
    let analysis = RwLock::new(Analysis::default());
    let inputs = [Input::Path(file.path().to_owned())];
    let options = LoadOptions { threads: 1, ..LoadOptions::default() };
    let mut report = load(&inputs, &options, &analysis, &mut |_| ControlFlow::Continue(()));
    match report.errors.pop() {
        Some(e) => Err(e),
        None => Ok(analysis.into_inner().expect("no panic while the lock was held")),
    }
}

/// State, final status and who hung up, as the manifest writes it.
pub fn outcome(analysis: &Analysis, call: usize) -> String {
    use callscope::correlate::Side;
    let s = &analysis.calls[call].summary;
    let mut text = format!("{} {}", s.state.name(), s.final_status);
    match s.ended_by {
        Some(Side::Caller) => text.push_str(" caller"),
        Some(Side::Callee) => text.push_str(" callee"),
        None => {}
    }
    text
}
