//! Media: what did not come, came one way, was lost, late or not what the descriptions say; and how streams and the ways of
//! a call are judged, which filters, tables and the JSON tell too.

mod calls;
mod heard;
pub mod marks;
mod quality;
mod suspects;
mod told;
mod way;

pub use heard::{HeardLoss, heard_jitter, heard_loss};
pub use quality::{LOSS_HEARD, Quality, after_red, gave_way, loss_percent, lost_on_the_way, mos_of};
pub(super) use suspects::{Trouble, troubles};
pub use way::{Way, call_way, half_missing, streams_of, telling};

use super::{Family, Rule, Severity};

pub(super) const FAMILY: Family = Family {
    title: "Media",
    rules: &[
        &UNREACHABLE,
        &KEYS_FAILED,
        &NONE,
        &ONE_WAY,
        &UNHEARD,
        &LOSS,
        &LOSS_BEHIND,
        &BURST,
        &HUNG,
        &JITTER,
        &QUALITY,
        &CODEC,
        &PLAIN,
        &UNSIGNALLED,
        &AFTER_END,
        &KEYS,
        &PTIME,
        &REMARKED,
        &MARK,
        &UNMARKED,
        &PAUSED,
    ],
};

// Rules about calls.
rules! {
    calls::tell;
    KEYS_FAILED "media-keys-failed" Error "the two ends found no keys for their media",
        "A DTLS alert or a ZRTP error ended the exchange of keys on the flow of the media, and none after it succeeded.",
        "The alert says why: a fingerprint in SDP that is not that of the certificate, or no cipher suite or SRTP profile in common.",
        "RFC 5764; RFC 8122; RFC 6189 section 5.9";
    NONE "media-none" Error "an answered call without any media",
        "A call that agreed on media was answered and lasted 2 s or more, and no packet of it is in the capture, though it would have \
         passed there: ICE found no path, the two ends found no keys, or its connectivity checks passed the capture point, or media of others between the same \
         two machines does. A warning where only the latter says so. Where media need not pass nothing is told.",
        "See the cause if one is told; else look on both machines whether they send at all, and for the firewall between them.",
        "RFC 3264; RFC 8445";
    ONE_WAY "media-one-way" Warning "media of one side only",
        "SDP had media run both ways, and that of one side is not in the capture. A warning where something shows that it would have \
         passed (its RTCP does, or other media between the same machines), or why it cannot arrive (ICE failed, the description \
         names a private address of another network); else a remark, as it may take another way.",
        "Capture at the machine that is not heard: if its packets leave it, look for the firewall or NAT on the way; if not, look at its \
         client (muted, wrong device, a stale hold).",
        "RFC 3264 section 5.1; RFC 3550 section 6.4";
}

// Rules about streams.
rules! {
    told::tell;
    UNREACHABLE "media-unreachable" Error "media goes where it cannot arrive",
        "ICMP errors quote the packets of a stream, for 2 s or more while its call is up. Those about the moment when a call begins or \
         ends are how it goes. A warning where the stream is of no call, or the other side reports that it hears it.",
        "A private address in the SDP of a client behind a NAT is the usual reason: let it use ICE or a relay, or let the server relay \
         media. Port unreachable: nobody listens there (any more).",
        "RFC 792; RFC 4443; RFC 8445 section 1";
    UNHEARD "media-unheard" Warning "media passes here and does not arrive",
        "The receiver of a stream sends reports, two or more while it runs and for 5 s, and none is about the stream: it does not hear \
         it, whatever passes the capture point.",
        "Follow the stream from here on to the receiver: a firewall that lets RTCP and STUN pass and drops RTP does this, and so do \
         filters by packet size.",
        "RFC 3550 section 6.4";
    LOSS "media-loss" Error "media was lost on its way to the capture point",
        "1 % or more of the numbers between the first and the last packet are missing, three at least, of a stream of 100 or more. What \
         RED repeats, the time of a fax, and what only the capture missed (the receiver's reports say that it came) do not count. An \
         error from 5 % on.",
        "Compare with a capture nearer to the sender: loss is on the stretch behind the last point that still has all packets. Look for \
         a full uplink, Wi-Fi, or a duplex mismatch.",
        "RFC 3550 sections 6.4.1 and A.3; ITU-T G.113 Appendix I";
    LOSS_BEHIND "media-loss-behind" Warning "media was lost behind the capture point",
        "The receiver's last report counts more lost than are missing here: 1 % or more of what was sent, and three packets at least.",
        "The loss is between here and the receiver: capture nearer to it, and look at its network (Wi-Fi, a full downlink).",
        "RFC 3550 section 6.4.1";
    BURST "media-burst" Warning "a stream broke off for a moment",
        "Ten packets or more in a row are missing, 200 ms at least, of a stream that lost less than 1 % as a whole. No codec conceals that.",
        "Look what happened at that moment: a route or an access point that changed, a link that went down, a capture that paused.",
        "RFC 3550 section A.3; ITU-T G.711 Appendix I (concealment fades out within 60 ms)";
    HUNG "media-hung" Warning "packets hung on the way and came all at once",
        "400 ms or more passed without a packet although the sender's clock went on, and those behind came the faster for it. A sender \
         that paused, and silence suppression, are not that.",
        "A queue that stalls does this: Wi-Fi that roams or sleeps, a full uplink, a machine that was busy. The capturing machine \
         itself may have been.",
        "RFC 3550 section 6.4.1";
    JITTER "media-jitter" Warning "packets of a stream arrive unevenly",
        "The mean of the jitter estimate is 30 ms or more, of a stream of 100 packets or more that is no video.",
        "Telephones hold some 60 ms of speech: what comes later is as good as lost. Look for queues that media shares with other traffic, \
         and whether it is marked (DSCP).",
        "RFC 3550 section 6.4.1";
    QUALITY "media-quality" Warning "speech sounds bad by the E-model",
        "The estimated MOS is below 3.6 though neither loss nor jitter says so: delay, or a codec that costs much.",
        "See the round trip that RTCP tells, and which codec was agreed on.",
        "ITU-T G.107 table B.1; G.113 Appendix I";
    CODEC "media-codec" Warning "a codec that the receiver did not announce",
        "The payload type of most packets is not in the receiver's description in force, though 50 of them came. A remark where the \
         number stands for the codec by itself (RFC 3551), as many take it all the same. Comfort noise and telephone events are not \
         looked at here.",
        "Compare offer and answer: the sender took a codec, or a number for it, that is not in the other side's SDP. A server between the \
         two that changes one description only does this.",
        "RFC 3264 sections 5.1 and 6.1";
    PLAIN "media-plain" Warning "media in clear though SRTP was agreed on",
        "Both sides agreed on keys, and packets have exactly the size of the codec, without room for an authentication tag, which they \
         did not agree to leave out. Where one side only offered SRTP and the other did not take it, it is a remark.",
        "Whoever sends in clear did not heed its own answer: look at the encryption settings of its client.",
        "RFC 4568 sections 5.1 and 6.3.3; RFC 3711 section 3.1";
    UNSIGNALLED "media-unsignalled" Warning "media goes where no SDP says",
        "No description of the receiver names the address that a stream goes to. A remark where media comes back from there: the sender \
         answers to where it hears from, as it does to clients behind a NAT.",
        "A NAT, or a server that was not captured, changes addresses: where one side hears nothing compare the SDP on both sides of it.",
        "RFC 3264 section 5.1; RFC 4961; RFC 7362";
    AFTER_END "media-after-end" Warning "media goes on after the call had ended",
        "Packets come for 5 s or more after the BYE; less is a remark. Where another call uses the same ends by then nothing is told.",
        "The sender did not get the BYE, or does not heed it: see whether the BYE was answered.",
        "RFC 3261 section 15";
    KEYS "media-dtmf" Warning "keys are pressed that the other side does not take",
        "Telephone events were sent, and the receiver's description has none, or none by that number. A remark where nobody pressed a key and one side only \
         announces telephone events, and where the sender heeds the receiver's description in nothing (load generators).",
        "Voice menus will not hear the keys: let both sides announce telephone-event and heed the number of the other, or send keys in INFO or in the speech.",
        "RFC 4733 section 2.5.1; RFC 3264";
    PTIME "media-ptime" Warning "packets of another length than was asked for",
        "Most packets hold more speech than a=maxptime allows. More or less than a=ptime asks for is a remark, as it is only a wish.",
        "Some gateways take packets of one length only: set both sides to the same (20 ms).",
        "RFC 4566 section 6 (ptime, maxptime)";
    REMARKED "media-remarked" Warning "the DSCP mark changes on the way",
        "The same packets were captured before and behind a machine, and their marks differ.",
        "Media loses its priority there, or gets another one: look at what that machine trusts (mls qos trust, QoS policies).",
        "RFC 2474; RFC 2475 section 2.3.3";
    MARK "media-mark" Warning "marks are not those of the chosen profile",
        "Told only where a profile was chosen (--qos): a stream, as captured nearest to its sender, has mostly another DSCP than that.",
        "Look at the QoS policy of the machine that sends (and at a switch before the capture point that does not trust it).",
        "RFC 4594; the chosen profile";
    UNMARKED "media-unmarked" Info "media without a mark where other media has one",
        "The streams of one direction of a call bear a DSCP and those of the other none, as captured here; or its audio has none and its \
         video does. Marks are often cleared between networks, so it is never more than a remark.",
        "Where the sender should mark: look at its QoS policy, and capture beside it to see whether the mark is lost on the way.",
        "RFC 2474; RFC 4594";
    PAUSED "media-paused" Info "a stream pauses without a hold",
        "Audio of a call stands still for 5 s or more, its clock too, and no description holds it. Announcements and muted clients do that.",
        "Where somebody heard nothing at that time: look whether the client was muted, or held the call without telling.",
        "RFC 3550 section 5.1";
}
