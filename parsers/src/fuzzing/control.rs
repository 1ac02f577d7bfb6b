//! Bodies for what stands around SIP at the control plane: DNS, authentication, provisioning, presence, call control.

use super::{inside, issues_inside};
use crate::csta::parse_csta;
use crate::dns::{Flavor, Framing as DnsFraming, frame_dns, looks_like_dns, parse_dns};
use crate::mras::parse_mras;
use crate::ntlm::{GssapiData, parse_gssapi_data, parse_ntlm};
use crate::provisioning::parse_provisioning;
use crate::roaming::{Body as RoamingBody, parse_roaming};
use crate::{mras as relay_auth, ntlm as nt};

pub fn dns(data: &[u8]) {
    for flavor in [Flavor::Dns, Flavor::Mdns, Flavor::Llmnr] {
        let Some(dns) = parse_dns(data, flavor) else {
            assert!(data.len() < crate::dns::HEADER);
            continue;
        };
        issues_inside(data, &dns.issues);
        for question in &dns.questions {
            inside(data, &question.range);
            assert!(question.name.text.len() <= 4 * crate::dns::MAX_NAME);
        }
        for record in dns.records() {
            inside(data, &record.range);
            inside(data, &record.data_range);
            inside(data, &record.name.range);
        }
        for (_, option) in dns.edns.iter().flat_map(|e| &e.options) {
            inside(data, option);
        }
        let _ = (dns.outcome(), dns.negative_ttl());
    }
    match frame_dns(data) {
        DnsFraming::Message(range) => inside(data, &range),
        DnsFraming::NeedMore(total) => assert!(total > data.len()),
    }
    let _ = [53, 5353, 5355, 5060].map(|port| looks_like_dns(data, port));
}

pub fn ntlm(data: &[u8]) {
    if let Some(ntlm) = parse_ntlm(data) {
        issues_inside(data, &ntlm.issues);
        if let nt::Message::Challenge { info, .. } | nt::Message::Authenticate { info, .. } = &ntlm.message {
            for pair in info {
                inside(data, &pair.range);
                let _ = (pair.name(), pair.title(), pair.unix_time());
            }
        }
        let _ = (ntlm.message.response_kind(), ntlm.flags.words().count());
    }
    if let GssapiData::Gss(token) = parse_gssapi_data(&String::from_utf8_lossy(data)) {
        assert!(token.length <= data.len());
    }
}

pub fn provisioning(data: &[u8]) {
    let Some(found) = parse_provisioning(data) else {
        return;
    };
    issues_inside(data, &found.issues);
    for setting in &found.settings {
        inside(data, &setting.range);
        assert_eq!(setting.group.is_some(), found.group_of(setting).is_some());
        let _ = setting.meaning();
    }
}

pub fn mras(data: &[u8]) {
    let Some(found) = parse_mras(data) else {
        return;
    };
    issues_inside(data, &found.issues);
    let relay_auth::Message::Response(response) = &found.message else {
        return;
    };
    for given in &response.credentials {
        given.relays.iter().for_each(|r| inside(data, &r.range));
        if let Some(password) = &given.password {
            inside(data, &password.range());
            assert!(password.to_string().starts_with("<redacted"));
        }
    }
}

pub fn roaming(data: &[u8]) {
    let Some(found) = parse_roaming(data) else {
        return;
    };
    issues_inside(data, &found.issues);
    found.targets().for_each(|t| inside(data, &t.range));
    match &found.body {
        RoamingBody::Contacts(contacts) => {
            contacts.groups.iter().for_each(|g| inside(data, &g.range));
            contacts.contacts.iter().for_each(|c| inside(data, &c.range));
        }
        RoamingBody::AccessList(entries) => entries.iter().for_each(|e| inside(data, &e.range)),
        RoamingBody::OwnData(own) => own.categories.iter().for_each(|c| inside(data, &c.range)),
        RoamingBody::OwnRequest(_) | RoamingBody::Subscriptions(_) => {}
    }
}

pub fn csta(data: &[u8]) {
    let Some(found) = parse_csta(data) else {
        return;
    };
    issues_inside(data, &found.issues);
    found.connections.iter().for_each(|c| inside(data, &c.range));
    found.devices.iter().for_each(|d| inside(data, &d.range));
    let _ = (found.call_id(), found.device(), found.title());
}
