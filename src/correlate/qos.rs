//! Which DSCP marks are expected of which traffic.

/// What marks are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Traffic {
    Audio,
    Video,
    /// Application sharing and file transfer.
    Sharing,
    Sip,
}

impl Traffic {
    pub const ALL: [Self; 4] = [Self::Audio, Self::Video, Self::Sharing, Self::Sip];

    /// As in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Sharing => "sharing",
            Self::Sip => "sip",
        }
    }
}

/// Marks that are expected. None of a kind: any will do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QosProfile {
    /// `communicator`, `lync`; with more values of its own, or of these alone, `custom`.
    pub name: String,
    values: [Option<u8>; 4],
}

impl QosProfile {
    /// Names of the profiles that are known.
    pub const NAMES: [&'static str; 2] = ["communicator", "lync"];

    /// A known profile: what Office Communicator 2007 R2 marks with under the policies of Windows, and what Lync and Skype
    /// for Business are told to (fact page rtp-media.md §7).
    pub fn named(name: &str) -> Option<Self> {
        let values = match name {
            "communicator" => [Some(40), Some(24), None, Some(40)],
            "lync" => [Some(46), Some(34), Some(18), Some(24)],
            _ => return None,
        };
        Some(Self { name: name.to_owned(), values })
    }

    /// Another value for a kind of traffic.
    pub fn set(&mut self, traffic: Traffic, dscp: u8) {
        if let Some(value) = self.values.get_mut(traffic as usize)
            && *value != Some(dscp)
        {
            *value = Some(dscp);
            "custom".clone_into(&mut self.name);
        }
    }

    pub fn expected(&self, traffic: Traffic) -> Option<u8> {
        self.values.get(traffic as usize).copied().flatten()
    }

    /// The profile that a client marks by where its policy is on, by its User-Agent: `UCCAPI/3.5.6907.0 OC/3.5.6907.37
    /// (Microsoft Office Communicator 2007 R2)`, `UCCAPI/15.0.4420.1017 OC/15.0.4420.1017 (Microsoft Lync)`.
    pub fn of_agent(agent: &str) -> Option<Self> {
        let version = agent.split_whitespace().find_map(|word| word.strip_prefix("OC/"))?;
        let major: u32 = version.split('.').next()?.parse().ok()?;
        // Communicator 2005 is OC 1, 2007 R2 is OC 3; Lync 2010 is OC 4.
        Self::named(if major < 4 { "communicator" } else { "lync" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fact page rtp-media.md §7, of the post on Vista SP1 settings and of later guidance.
    #[test]
    fn known_profiles() {
        let values = |name| Traffic::ALL.map(|t| QosProfile::named(name).and_then(|p| p.expected(t)));
        assert_eq!(values("communicator"), [Some(40), Some(24), None, Some(40)]);
        assert_eq!(values("lync"), [Some(46), Some(34), Some(18), Some(24)]);
        assert_eq!(values("other"), [None; 4]);
        assert!(QosProfile::NAMES.iter().all(|n| QosProfile::named(n).is_some()));
    }

    #[test]
    fn agents_tell_profiles() {
        let of = |agent| QosProfile::of_agent(agent).map(|p| p.name);
        let communicator = "UCCAPI/3.5.6907.0 OC/3.5.6907.37 (Microsoft Office Communicator 2007 R2)";
        assert_eq!(of(communicator).as_deref(), Some("communicator"));
        assert_eq!(
            of("UCCAPI/2.0.6362.111 OC/2.0.6362.111 (Microsoft Office Communicator)").as_deref(),
            Some("communicator")
        );
        assert_eq!(of("UCCAPI/4.0.7577.0 OC/4.0.7577.0 (Microsoft Lync 2010)").as_deref(), Some("lync"));
        assert_eq!(
            of("UCCAPI/16.0.6965.5303 OC/16.0.6965.2053 (Skype for Business)").as_deref(),
            Some("lync")
        );
        // Neither servers nor other clients.
        assert_eq!(
            [of("RTCC/3.5.0.0 MediationServer"), of("baresip v1.0.0"), of("OC/x"), of("")],
            [None, None, None, None]
        );
    }

    #[test]
    fn a_value_of_its_own_makes_it_custom() {
        let mut p = QosProfile::named("lync").expect("known");
        p.set(Traffic::Audio, 46);
        assert_eq!(p.name, "lync");
        p.set(Traffic::Sip, 26);
        assert_eq!(
            (p.name.as_str(), p.expected(Traffic::Sip), p.expected(Traffic::Audio)),
            ("custom", Some(26), Some(46))
        );
    }
}
