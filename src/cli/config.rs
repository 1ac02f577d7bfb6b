//! The configuration file and files of names.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Deserialize;

use super::args::Common;
use super::failure::Failure;
use super::{limits, qos};
use crate::capture::error_words;
use crate::correlate::QosProfile;
use crate::correlate::load::LoadOptions;
use crate::tui::Background;

/// `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    limits: toml::Table,
    /// Address → name.
    #[serde(default)]
    names: toml::Table,
    #[serde(default)]
    sip_ports: Vec<u16>,
    #[serde(default)]
    leg_headers: Vec<String>,
    /// `dark` or `light`.
    theme: Option<Background>,
    /// `profile`, and values of kinds of traffic.
    #[serde(default)]
    qos: toml::Table,
}

/// What configuration and arguments say together (arguments win).
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub load: LoadOptions,
    pub names: Vec<(IpAddr, String)>,
    pub theme: Option<Background>,
}

/// Reads the configuration (a named one must exist) and the names, and applies the arguments.
pub(super) fn settings(common: &Common) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    let path = common.config.clone().or_else(|| default_path().filter(|p| p.exists()));
    if let Some(path) = path {
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Failure::usage(format!("{}: {}", path.display(), error_words(&e))))?;
        apply(&mut settings, &text)
            .map_err(|e| Failure::usage(format!("{}: {}", path.display(), e.trim_end())))?;
    }
    let load = &mut settings.load;
    for (name, value) in &common.limits {
        limits::set(&mut load.limits, name, *value).map_err(Failure::Usage)?;
    }
    load.sip_ports.extend(&common.sip_port);
    load.leg_headers.extend(common.leg_header.iter().cloned());
    load.turn_users.extend(common.turn_user.iter().cloned());
    load.redact_text |= common.redact_text;
    load.qos = common.qos_profile.clone().or_else(|| load.qos.take());
    load.threads = common.threads;
    load.follow = common.follow;
    for path in &common.names {
        settings.names.extend(names_file(path)?);
    }
    Ok(settings)
}

fn default_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("callscope").join("config.toml"))
}

fn apply(settings: &mut Settings, text: &str) -> Result<(), String> {
    let config: Config = toml::from_str(text).map_err(|e| e.to_string())?;
    for (name, value) in &config.limits {
        let value = match value {
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::String(s) => s.clone(),
            _ => return Err(format!("limit `{name}` is not a number")),
        };
        let (name, value) = limits::parse(&format!("{name}={value}"))?;
        limits::set(&mut settings.load.limits, &name, value)?;
    }
    for (address, name) in &config.names {
        let ip = parse_address(address).ok_or_else(|| format!("names: `{address}` is not an address"))?;
        let name = name.as_str().ok_or_else(|| format!("names: the name of {address} is not a string"))?;
        settings.names.push((ip, name.to_owned()));
    }
    settings.theme = config.theme;
    settings.load.qos = qos_of(&config.qos)?;
    settings.load.sip_ports.extend(config.sip_ports);
    settings.load.leg_headers.extend(config.leg_headers);
    Ok(())
}

fn qos_of(table: &toml::Table) -> Result<Option<QosProfile>, String> {
    if table.is_empty() {
        return Ok(None);
    }
    let mut profile = match table.get("profile") {
        Some(toml::Value::String(name)) => qos::named(name)?,
        Some(_) => return Err("qos: `profile` is not a string".to_owned()),
        None => QosProfile::default(),
    };
    for (kind, value) in table.iter().filter(|(kind, _)| *kind != "profile") {
        let value = match value {
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::String(s) => s.clone(),
            _ => return Err(format!("qos: the value of `{kind}` is neither a number nor a name")),
        };
        qos::set(&mut profile, kind, &value).map_err(|e| format!("qos: {e}"))?;
    }
    Ok(Some(profile))
}

fn names_file(path: &Path) -> Result<Vec<(IpAddr, String)>, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|e| Failure::usage(format!("{}: {}", path.display(), error_words(&e))))?;
    parse_names(&String::from_utf8_lossy(&bytes))
        .map_err(|(line, text)| Failure::usage(format!("{}:{line}: {text}", path.display())))
}

/// Lines `address = name`; an error comes with its line number (from 1).
fn parse_names(text: &str) -> Result<Vec<(IpAddr, String)>, (usize, String)> {
    let mut names = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
        if line.is_empty() {
            continue;
        }
        let (address, name) =
            line.split_once('=').ok_or_else(|| (i + 1, "expected `address = name`".to_owned()))?;
        let (address, name) = (address.trim(), name.trim());
        let ip =
            parse_address(address).ok_or_else(|| (i + 1, format!("`{address}` is not an IP address")))?;
        if name.is_empty() {
            return Err((i + 1, format!("no name for {address}")));
        }
        names.push((ip, name.to_owned()));
    }
    Ok(names)
}

fn parse_address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::Traffic;

    #[test]
    fn names_with_comments_and_line_numbers() {
        let names = parse_names("# machines\n10.0.0.5 = Front End # pool\n\n2001:db8::1=Edge A/V\n");
        let front: IpAddr = "10.0.0.5".parse().expect("address");
        let edge: IpAddr = "2001:db8::1".parse().expect("address");
        assert_eq!(names, Ok(vec![(front, "Front End".to_owned()), (edge, "Edge A/V".to_owned())]));
        assert_eq!(parse_names("\n10.0.0 = x").map_err(|e| e.0), Err(2));
        assert_eq!(parse_names("10.0.0.1").map_err(|e| e.0), Err(1));
        assert_eq!(parse_names("10.0.0.1 =").map_err(|e| e.0), Err(1));
    }

    #[test]
    fn configuration() {
        let mut settings = Settings::default();
        let text = "theme = \"light\"\nsip_ports = [5080]\nleg_headers = [\"X-Leg\"]\n[limits]\nflows = 10\narena_bytes = \"1M\"\n\
                    [names]\n\"10.0.0.5\" = \"Front End\"\n";
        apply(&mut settings, text).expect("good");
        assert_eq!(settings.load.limits.flows, 10);
        assert_eq!(settings.load.limits.arena_bytes, 1 << 20);
        assert_eq!(settings.load.sip_ports, [5080]);
        assert!(settings.load.leg_headers.contains(&"X-Leg".to_owned()));
        assert_eq!(settings.names.len(), 1);
        assert_eq!(settings.theme, Some(Background::Light));
        assert_eq!(settings.load.qos, None);
        apply(&mut settings, "[qos]\nprofile = \"lync\"\nvideo = 34\nsip = \"CS2\"\n").expect("good");
        let qos = settings.load.qos.clone().expect("a profile");
        assert_eq!(Traffic::ALL.map(|t| qos.expected(t)), [Some(46), Some(34), Some(18), Some(16)]);
        assert!(apply(&mut settings, "[qos]\naudio = 70").unwrap_err().contains("no DSCP value"));
        assert!(apply(&mut settings, "[qos]\nvoice = 46").unwrap_err().contains("no kind of traffic"));
        assert!(apply(&mut settings, "[qos]\nprofile = \"x\"").unwrap_err().contains("no QoS profile"));
        assert!(apply(&mut settings, "theme = \"blue\"").unwrap_err().contains("`dark` or `light`"));
        assert!(apply(&mut settings, "[limits]\nflow = 1").unwrap_err().contains("did you mean `flows`"));
        assert!(apply(&mut settings, "sip_port = 1").unwrap_err().contains("sip_ports"));
        assert!(apply(&mut settings, "sip_ports = [99999]").is_err());
    }
}
