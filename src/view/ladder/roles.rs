//! What a machine is, from the software it names.

/// What `User-Agent` or `Server` tells of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    pub name: &'static str,
    /// Serves many users, so it is not to be called by one of them.
    pub server: bool,
}

/// Signs in lower case, the first found counts; more telling ones stand first.
const SIGNS: &[(&str, &str, bool)] = &[
    ("mediationserver", "Mediation Server", true),
    ("mediation server", "Mediation Server", true),
    ("av-mcu", "A/V MCU", true),
    ("avmcu", "A/V MCU", true),
    ("av mcu", "A/V MCU", true),
    ("audio-video-mcu", "A/V MCU", true),
    ("immcu", "IM MCU", true),
    ("im-mcu", "IM MCU", true),
    ("asmcu", "Application Sharing MCU", true),
    ("datamcu", "Data MCU", true),
    ("mcu", "MCU", true),
    ("conferencing_attendant", "Conferencing Attendant", true),
    ("conferencing_announcement", "Conferencing Announcement", true),
    ("response_group", "Response Group", true),
    ("accessedge", "Access Edge", true),
    ("access edge", "Access Edge", true),
    ("exchange", "Exchange UM", true),
    ("uccapi", "client", false),
    ("uccp/", "client", false),
    ("cpe/", "phone", false),
    ("ocphone", "phone", false),
    ("communicator", "client", false),
    ("rtcc/", "server application", true),
    ("rtc/1.", "client", false),
    ("rtc/", "Front End", true),
    ("kamailio", "proxy", true),
    ("opensips", "proxy", true),
    ("openser", "proxy", true),
    ("sip-router", "proxy", true),
    ("sip express router", "proxy", true),
    ("flexisip", "proxy", true),
    ("sbc", "SBC", true),
    ("acme packet", "SBC", true),
    ("ribbon", "SBC", true),
    ("sonus", "SBC", true),
    ("sipgateway", "gateway", true),
    ("gateway", "gateway", true),
    ("audiocodes", "gateway", true),
    ("mediant", "gateway", true),
    ("dialogic", "gateway", true),
    ("patton", "gateway", true),
    ("asterisk", "PBX", true),
    ("fpbx", "PBX", true),
    ("freeswitch", "PBX", true),
    ("3cx", "PBX", true),
    ("cucm", "PBX", true),
    ("avaya", "PBX", true),
    ("broadworks", "PBX", true),
    ("metaswitch", "PBX", true),
];

/// The role an agent string shows; none where it says nothing but a product we do not know.
pub fn role_of_agent(agent: &str) -> Option<Role> {
    let agent = agent.to_ascii_lowercase();
    let (_, name, server) = SIGNS.iter().find(|(sign, ..)| agent.contains(sign))?;
    Some(Role { name, server: *server })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_tell_roles() {
        let check = |agent, name| assert_eq!(role_of_agent(agent).map(|r| r.name), name, "{agent}");
        check("RTC/3.5", Some("Front End"));
        check("RTCC/3.5.0.0 MediationServer", Some("Mediation Server"));
        check("RTCC/3.5.0.0 AV-MCU", Some("A/V MCU"));
        check("UCCAPI/3.5.6907.0 OC/3.5.6907.37 (Microsoft Office Communicator 2007 R2)", Some("client"));
        check("kamailio (5.6.3 (x86_64/linux))", Some("proxy"));
        check("Cisco-SIPGateway/IOS-12.x", Some("gateway"));
        check("baresip v1.0.0 (x86_64/linux)", None);
    }
}
