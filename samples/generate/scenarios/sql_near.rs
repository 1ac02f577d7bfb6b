//! Look-ups of SQL Server and connections that are slow; and those that come close to each thing that goes wrong in `sql.rs`,
//! and go well.

use std::net::{IpAddr, SocketAddr};

use super::sql::{
    CLIENT, RST_ACK, SERVER, SYN, Wishes, accepted, agree, answer, ask, browser, close, done, instance,
    login, lone, named, packet, prelogin, refused, token, wide,
};
use super::{START, at};
use crate::scene::Scene;
use crate::wire;

fn client(n: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 10, 0, 100 + n], port))
}

fn rtc(port: u16) -> Vec<u8> {
    answer(&instance("OCSSQL01", "RTC", "9.00.4035.00", &format!("tcp;{port}")))
}

const PLAIN: Wishes<'static> = Wishes { client: 2, server: 2, instance: "RTC", matches: true };

fn question(s: &mut Scene, client: SocketAddr, server: SocketAddr, takes: u64) {
    s.segment(client, server, &packet(1, &wide("select name from sys.databases")));
    s.wait(takes);
    s.segment(server, client, &packet(4, &done()));
}

/// Login in clear, taken.
fn log_in(s: &mut Scene, client: SocketAddr, server: SocketAddr) {
    s.segment(client, server, &login("FRONTEND01", "ocsadmin", "rtc"));
    s.wait(3);
    s.segment(server, client, &accepted());
    s.wait(2);
}

/// Slow at each of three places.
pub fn slow() -> Scene {
    let mut s = Scene::new(33, START);
    let sql = at("10.10.0.9:1501");

    // The server is busy when it is asked.
    let (c, tcp) = (client(1, 3201), client(1, 3202));
    s.udp(c, browser(sql), 0, &named("RTC"));
    s.wait(1_340);
    s.udp(browser(sql), c, 0, &rtc(1501));
    s.wait(1);
    agree(&mut s, tcp, sql, &PLAIN);
    log_in(&mut s, tcp, sql);
    question(&mut s, tcp, sql, 6);
    close(&mut s, tcp, sql);

    // The first SYN is lost.
    let (c, tcp) = (client(2, 3211), client(2, 3212));
    ask(&mut s, c, sql, &named("RTC"), Some(&rtc(1501)));
    s.connect_after(tcp, sql, &[3_000]);
    s.segment(tcp, sql, &prelogin(18, CLIENT, 2, b"RTC\0"));
    s.wait(1);
    s.segment(sql, tcp, &prelogin(4, SERVER, 2, &[0]));
    log_in(&mut s, tcp, sql);
    question(&mut s, tcp, sql, 6);
    close(&mut s, tcp, sql);

    // The database takes its time over the first query.
    let (c, tcp) = (client(3, 3221), client(3, 3222));
    ask(&mut s, c, sql, &named("RTC"), Some(&rtc(1501)));
    agree(&mut s, tcp, sql, &PLAIN);
    log_in(&mut s, tcp, sql);
    question(&mut s, tcp, sql, 4_200);
    close(&mut s, tcp, sql);

    // And one that is as it should be.
    let (c, tcp) = (client(4, 3231), client(4, 3232));
    ask(&mut s, c, sql, &named("RTC"), Some(&rtc(1501)));
    agree(&mut s, tcp, sql, &PLAIN);
    log_in(&mut s, tcp, sql);
    question(&mut s, tcp, sql, 6);
    close(&mut s, tcp, sql);
    s
}

/// SQL Server Browser: what nearly is no answer, or no good one.
fn answers(s: &mut Scene) {
    let sql = at("10.10.0.9:1501");
    // The first question is lost; a slow answer, but no second late.
    let (c, tcp) = (client(1, 3301), client(1, 3302));
    s.udp(c, browser(sql), 0, &named("RTC"));
    s.wait(1_000);
    s.udp(c, browser(sql), 0, &named("RTC"));
    s.wait(880);
    s.udp(browser(sql), c, 0, &rtc(1501));
    agree(s, tcp, sql, &PLAIN);
    close(s, tcp, sql);

    // The service of SQL Server Browser starts only now.
    let (c, tcp) = (client(2, 3311), client(2, 3312));
    s.udp(c, browser(sql), 0, &named("RTC"));
    let quoted = s.frames[s.frames.len() - 1].bytes[14..].to_vec();
    s.now += 300;
    s.ip(browser(sql), c, 1, 48, &wire::icmp_unreachable(3, &quoted));
    s.wait(1_000);
    ask(s, c, sql, &named("RTC"), Some(&rtc(1501)));
    agree(s, tcp, sql, &PLAIN);
    close(s, tcp, sql);

    // Its name is asked for in small letters.
    let (c, tcp) = (client(3, 3321), client(3, 3322));
    ask(s, c, sql, &named("rtc"), Some(&rtc(1501)));
    agree(s, tcp, sql, &Wishes { instance: "rtc", ..PLAIN });
    close(s, tcp, sql);

    // SQL Server 2000 with empty values, which two semicolons in a row are too.
    let old = at("10.10.0.18:1433");
    let (c, tcp) = (client(4, 3331), client(4, 3332));
    let empty = r"np;\\OCSARCH\pipe\sql\query;bv;;@OCSARCH;;tcp;1433";
    ask(s, c, old, &[3], Some(&answer(&instance("OCSARCH", "MSSQLSERVER", "8.00.194", empty))));
    s.connect(tcp, old);
    s.segment(tcp, old, &prelogin(18, CLIENT, 2, b"MSSQLServer\0"));
    s.segment(old, tcp, &prelogin(4, [8, 0, 0x07, 0xf7, 0, 0], 2, &[0]));
    close(s, tcp, old);

    // The instance has a named pipe only, and the client takes it: SMB.
    let (c, tcp) = (client(5, 3341), client(5, 3342));
    let piped =
        instance("OCSSQL01", "REPORTS", "9.00.4035.00", r"np;\\OCSSQL01\pipe\MSSQL$REPORTS\sql\query");
    ask(s, c, sql, &named("REPORTS"), Some(&answer(&piped)));
    let smb = SocketAddr::new(sql.ip(), 445);
    s.connect(tcp, smb);
    s.segment(tcp, smb, &negotiate());
    s.wait(2);
    close(s, tcp, smb);

    // A list as long as clients take: 4 096 bytes, in fragments.
    let farm = at("10.10.0.19:1434");
    let mut list: String = (0..42)
        .map(|n| instance("FARM", &format!("INST{n:02}"), "11.0.3000.00", &format!("tcp;{}", 50_100 + n)))
        .collect();
    let last = |pipe: &str| {
        instance("FARM", "REPORTS", "11.0.3000.00", &format!(r"tcp;50200;np;\\FARM\pipe\{pipe}"))
    };
    list += &last(&"q".repeat(4_096 - list.len() - last("").len()));
    ask(s, client(6, 3351), farm, &[3], Some(&answer(&list)));
    s.wait(500);

    // Two servers have an instance of the same name, each at its own port.
    let other = at("10.10.0.18:1502");
    let (c, tcp) = (client(7, 3361), client(7, 3362));
    ask(s, c, other, &named("RTC"), Some(&answer(&instance("OCSARCH", "RTC", "9.00.4035.00", "tcp;1502"))));
    agree(s, tcp, other, &PLAIN);
    close(s, tcp, other);

    // A station that looks after them asks a dozen machines for their lists at once.
    for n in 1..=12u8 {
        let server = SocketAddr::from(([10, 10, 2, n], 1434));
        let one = answer(&instance(&format!("NODE{n:02}"), "MSSQLSERVER", "10.0.2531.0", "tcp;1433"));
        s.udp(client(8, 3371), server, 0, &[3]);
        s.now += 900;
        s.udp(server, client(8, 3371), 0, &one);
        s.now += 400;
    }
    s.wait(500);
}

/// A client of SMB asks which dialect is spoken ([MS-CIFS] §2.2.4.52), over TCP.
fn negotiate() -> Vec<u8> {
    let dialects = b"\x02NT LM 0.12\0";
    let mut m = vec![0xff, b'S', b'M', b'B', 0x72, 0, 0, 0, 0, 0x18, 0x53, 0xc8];
    m.extend([0; 20]);
    m.push(0);
    m.extend((dialects.len() as u16).to_le_bytes());
    m.extend_from_slice(dialects);
    [&(m.len() as u32).to_be_bytes()[..], &m].concat()
}

/// Connections: what nearly does not open, or not agree.
fn connections(s: &mut Scene) {
    let sql = at("10.10.0.9:1501");
    // Reset once, as the instance starts; the next attempt is answered.
    let (c, tcp) = (client(11, 3401), client(11, 3402));
    ask(s, c, sql, &named("RTC"), Some(&rtc(1501)));
    let seq = s.random.next() as u32;
    lone(s, tcp, sql, seq, 0, SYN);
    s.now += 280;
    lone(s, sql, tcp, 0, seq.wrapping_add(1), RST_ACK);
    s.wait(500);
    agree(s, tcp, sql, &PLAIN);
    close(s, tcp, sql);

    // The router says of the SYN that there is a shorter way, and passes it on.
    let (c, tcp) = (client(12, 3411), client(12, 3412));
    ask(s, c, sql, &named("RTC"), Some(&rtc(1501)));
    let at_syn = s.frames.len();
    agree(s, tcp, sql, &PLAIN);
    let quoted = s.frames[at_syn].bytes[14..].to_vec();
    s.ip(at("10.10.0.1:0"), tcp, 1, 48, &wire::icmp_redirect([10, 10, 0, 9], &quoted[..28]));
    if let Some(mut told) = s.frames.pop() {
        told.micros = s.frames[at_syn].micros + 140;
        s.frames.insert(at_syn + 1, told);
    }
    log_in(s, tcp, sql);
    question(s, tcp, sql, 6);
    // Only the first answer is looked at: reports may take long.
    question(s, tcp, sql, 3_700);
    close(s, tcp, sql);

    // The client could encrypt, the server cannot, and neither insists.
    let (c, tcp) = (client(13, 3421), client(13, 3422));
    ask(s, c, sql, &named("RTC"), Some(&rtc(1501)));
    agree(s, tcp, sql, &Wishes { client: 0, server: 2, ..PLAIN });
    s.segment(tcp, sql, &login("FRONTEND02", "ocsadmin", "rtc"));
    s.wait(3);
    // Messages to the user go before the login is taken, and a query fails behind it.
    let told = token(0xab, &message(5_701, 2, 0, "Changed database context to 'rtc'."));
    s.segment(sql, tcp, &packet(4, &[told, accepted()[8..].to_vec()].concat()));
    s.segment(tcp, sql, &packet(1, &wide("select * from dbo.Gone")));
    s.wait(4);
    s.segment(sql, tcp, &refused(208, 1, "Invalid object name 'dbo.Gone'."));
    close(s, tcp, sql);

    // A client has business at the default instance too, before it goes where the answer says.
    let (c, first, tcp) = (client(14, 3431), client(14, 3432), client(14, 3433));
    let default = SocketAddr::new(IpAddr::from([10, 10, 0, 9]), 1433);
    ask(s, c, sql, &named("RTC"), Some(&rtc(1501)));
    agree(s, first, default, &Wishes { instance: "MSSQLServer", ..PLAIN });
    agree(s, tcp, sql, &PLAIN);
    close(s, first, default);
    close(s, tcp, sql);
}

/// The value of an INFO or ERROR token.
fn message(number: i32, state: u8, class: u8, text: &str) -> Vec<u8> {
    let mut m = number.to_le_bytes().to_vec();
    m.extend([state, class]);
    m.extend((text.encode_utf16().count() as u16).to_le_bytes());
    m.extend(wide(text));
    m.extend([8]);
    m.extend(wide("OCSSQL01"));
    m.extend([0, 1, 0, 0, 0]);
    m
}

pub fn near() -> Scene {
    let mut s = Scene::new(34, START);
    answers(&mut s);
    connections(&mut s);
    s.wait(3_000);
    s
}
