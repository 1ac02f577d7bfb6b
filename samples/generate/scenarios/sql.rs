//! SQL Server Browser and the connection that follows, once for each way it can come out; then what only attackers and
//! broken servers send.

use std::net::SocketAddr;

use super::{START, alice, at, offer, proxy};
use crate::call::{Call, Extra};
use crate::scene::Scene;
use crate::wire;

pub(super) const SYN: u8 = 0x02;
pub(super) const RST_ACK: u8 = 0x14;

pub(super) fn browser(server: SocketAddr) -> SocketAddr {
    SocketAddr::new(server.ip(), 1434)
}

pub(super) fn named(name: &str) -> Vec<u8> {
    [&[4][..], name.as_bytes(), &[0]].concat()
}

pub(super) fn answer(data: &str) -> Vec<u8> {
    [&[5][..], &(data.len() as u16).to_le_bytes(), data.as_bytes()].concat()
}

pub(super) fn instance(server: &str, name: &str, version: &str, rest: &str) -> String {
    format!("ServerName;{server};InstanceName;{name};IsClustered;No;Version;{version};{rest};;")
}

/// The instance of the vector in the protocol's facts: OCSSQL01\NamedInstance at 1501.
fn named_instance(port: u16) -> Vec<u8> {
    let pipe = r"np;\\OCSSQL01\pipe\MSSQL$NamedInstance\sql\query";
    answer(&instance("OCSSQL01", "NamedInstance", "9.00.4035.00", &format!("tcp;{port};{pipe}")))
}

pub(super) fn ask(
    s: &mut Scene,
    client: SocketAddr,
    server: SocketAddr,
    question: &[u8],
    answer: Option<&[u8]>,
) {
    s.udp(client, browser(server), 0, question);
    s.wait(1);
    if let Some(answer) = answer {
        s.udp(browser(server), client, 0, answer);
        s.wait(1);
    }
}

pub(super) fn lone(s: &mut Scene, src: SocketAddr, dst: SocketAddr, seq: u32, ack: u32, flags: u8) {
    let segment = wire::tcp(src, dst, seq, ack, flags, b"");
    s.ip(src, dst, 6, 0, &segment);
}

pub(super) fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut p = vec![kind, 1];
    p.extend((8 + body.len() as u16).to_be_bytes());
    p.extend([0, 0, 1, 0]);
    p.extend_from_slice(body);
    p
}

/// PRELOGIN of client (type 18) or server (type 4).
pub(super) fn prelogin(kind: u8, version: [u8; 6], encryption: u8, instance: &[u8]) -> Vec<u8> {
    let values: [(u8, &[u8]); 5] =
        [(0, &version), (1, &[encryption]), (2, instance), (3, &[0, 0, 0x0b, 0x22]), (4, &[0])];
    let mut at = values.len() * 5 + 1;
    let (mut head, mut data) = (Vec::new(), Vec::new());
    for (token, value) in values {
        head.push(token);
        head.extend((at as u16).to_be_bytes());
        head.extend((value.len() as u16).to_be_bytes());
        at += value.len();
        data.extend_from_slice(value);
    }
    head.push(0xff);
    packet(kind, &[head, data].concat())
}

pub(super) fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// LOGIN7 in clear with an invented password.
pub(super) fn login(host: &str, user: &str, database: &str) -> Vec<u8> {
    let password: Vec<u8> = wide("invented").into_iter().map(|b| b.rotate_left(4) ^ 0xa5).collect();
    let fields = [
        wide(host),
        wide(user),
        password,
        wide("OCS"),
        wide("OCSSQL01"),
        vec![],
        wide("ODBC"),
        vec![],
        wide(database),
    ];
    let mut body = Vec::new();
    let mut table = Vec::new();
    let mut at = 94;
    for field in &fields {
        table.extend((at as u16).to_le_bytes());
        table.extend((field.len() as u16 / 2).to_le_bytes());
        at += field.len();
        body.extend_from_slice(field);
    }
    table.extend([0, 0, 0, 0, 0, 0]);
    for _ in 0..3 {
        table.extend((at as u16).to_le_bytes());
        table.extend([0, 0]);
    }
    table.extend([0; 4]);
    let mut m = Vec::new();
    m.extend((at as u32).to_le_bytes());
    m.extend(0x7209_0002_u32.to_le_bytes());
    m.extend(4096_u32.to_le_bytes());
    m.extend([7, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0xe0, 3, 0, 0, 0, 0, 0, 0, 9, 4, 0, 0]);
    m.extend(table);
    m.extend(body);
    packet(16, &m)
}

fn short(text: &str) -> Vec<u8> {
    [vec![text.encode_utf16().count() as u8], wide(text)].concat()
}

pub(super) fn token(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &(value.len() as u16).to_le_bytes(), value].concat()
}

pub(super) fn accepted() -> Vec<u8> {
    let ack = [&[1][..], &0x7209_0002_u32.to_be_bytes(), &short("Microsoft SQL Server"), &[9, 0, 0x0f, 0xc3]]
        .concat();
    packet(4, &[token(0xad, &ack), done()].concat())
}

pub(super) fn done() -> Vec<u8> {
    vec![0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

pub(super) fn refused(number: i32, state: u8, text: &str) -> Vec<u8> {
    let mut e = number.to_le_bytes().to_vec();
    e.extend([state, 14]);
    e.extend((text.encode_utf16().count() as u16).to_le_bytes());
    e.extend(wide(text));
    e.extend(short("OCSSQL01"));
    e.extend([0, 1, 0, 0, 0]);
    packet(4, &[token(0xaa, &e), done()].concat())
}

pub(super) const CLIENT: [u8; 6] = [9, 0, 0x0f, 0xc3, 0, 0];
pub(super) const SERVER: [u8; 6] = [9, 0, 0x0f, 0xc3, 0, 0];

pub(super) struct Wishes<'a> {
    pub client: u8,
    pub server: u8,
    pub instance: &'a str,
    pub matches: bool,
}

pub(super) fn agree(s: &mut Scene, client: SocketAddr, server: SocketAddr, w: &Wishes<'_>) {
    s.connect(client, server);
    let name = [w.instance.as_bytes(), &[0]].concat();
    s.segment(client, server, &prelogin(18, CLIENT, w.client, &name));
    s.wait(1);
    s.segment(server, client, &prelogin(4, SERVER, w.server, &[u8::from(!w.matches)]));
    s.wait(1);
}

pub(super) fn close(s: &mut Scene, client: SocketAddr, server: SocketAddr) {
    s.fin(client, server, 0x11);
    s.fin(server, client, 0x11);
    s.wait(1_000);
}

/// One look-up for each verdict.
pub fn lookups() -> Scene {
    let mut s = Scene::new(31, START);
    let sql = at("10.10.0.9:0");
    let to = |port: u16| SocketAddr::new(sql.ip(), port);
    let client = |n: u8, port: u16| SocketAddr::from(([10, 10, 0, 40 + n], port));
    let open = Wishes { client: 2, server: 2, instance: "NamedInstance", matches: true };

    // Answered and connected: login in clear, a query and its answer.
    let (c, tcp) = (client(1, 3001), client(1, 3002));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    agree(&mut s, tcp, to(1501), &open);
    s.segment(tcp, to(1501), &login("FRONTEND01", "ocsadmin", "rtc"));
    s.wait(3);
    s.segment(to(1501), tcp, &accepted());
    s.segment(tcp, to(1501), &packet(1, &wide("select 1")));
    s.wait(7);
    s.segment(to(1501), tcp, &packet(4, &done()));
    close(&mut s, tcp, to(1501));

    // Refused, three times with one SYN.
    let (c, tcp) = (client(2, 3011), client(2, 3012));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    for _ in 0..3 {
        lone(&mut s, tcp, to(1501), 77, 0, SYN);
        s.wait(1);
        lone(&mut s, to(1501), tcp, 0, 78, RST_ACK);
        s.wait(500);
    }

    // Filtered; and refused by a firewall that says so.
    let (c, tcp) = (client(3, 3021), client(3, 3022));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    for pause in [3_000, 6_000, 500] {
        lone(&mut s, tcp, to(1501), 99, 0, SYN);
        s.wait(pause);
    }
    let (c, tcp) = (client(4, 3031), client(4, 3032));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    lone(&mut s, tcp, to(1501), 55, 0, SYN);
    let quoted = s.frames[s.frames.len() - 1].bytes[14..].to_vec();
    s.wait(2);
    s.ip(at("10.10.0.1:0"), tcp, 1, 48, &wire::icmp_unreachable(13, &quoted));
    s.wait(1_000);

    // Silence, asked four times; and a Front End that refuses a call with 503 for it.
    let front_end = proxy();
    let c = SocketAddr::new(front_end.at.ip(), 3041);
    let mut caller = alice();
    caller.at.set_port(5062);
    let mut call = Call::new(&mut s, &caller, &front_end, None);
    call.request(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&caller, 41_000, 931)));
    for _ in 0..4 {
        s.udp(c, browser(sql), 0, &named("RTC"));
        s.wait(1_000);
    }
    call.respond(&mut s, 503, "Service Unavailable", &Extra::default());
    s.wait(20);
    call.request(&mut s, "ACK", false, &Extra::default());
    s.wait(2_000);

    // Nothing listens on UDP 1434.
    let c = client(5, 3051);
    s.udp(c, at("10.10.0.12:1434"), 0, &[3]);
    let quoted = s.frames[s.frames.len() - 1].bytes[14..].to_vec();
    s.wait(1);
    s.ip(at("10.10.0.12:0"), c, 1, 0, &wire::icmp_unreachable(3, &quoted));
    s.wait(1_000);

    // An alias: the answer says 1501, the connection goes to 1433.
    let (c, tcp) = (client(6, 3061), client(6, 3062));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    agree(&mut s, tcp, to(1433), &Wishes { instance: "", ..open });
    close(&mut s, tcp, to(1433));

    // The port of an instance changes between two answers.
    for (port, n) in [(49_822, 0), (51_004, 2)] {
        let (c, tcp) = (client(7, 3071 + n), client(7, 3072 + n));
        let local = answer(&instance("OCSSQL01", "RTCLOCAL", "10.50.1600.1", &format!("tcp;{port}")));
        ask(&mut s, c, sql, &named("RTCLOCAL"), Some(&local));
        agree(&mut s, tcp, to(port), &Wishes { instance: "RTCLOCAL", ..open });
        close(&mut s, tcp, to(port));
    }

    // The port belongs to another instance; one side demands encryption and the other cannot.
    let (c, tcp) = (client(8, 3081), client(8, 3082));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    agree(&mut s, tcp, to(1501), &Wishes { matches: false, ..open });
    close(&mut s, tcp, to(1501));
    let (c, tcp) = (client(9, 3091), client(9, 3092));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    agree(&mut s, tcp, to(1501), &Wishes { client: 1, ..open });
    close(&mut s, tcp, to(1501));

    // Login error 18456. PRELOGIN in two segments.
    let (c, tcp) = (client(10, 3101), client(10, 3102));
    ask(&mut s, c, sql, &named("NamedInstance"), Some(&named_instance(1501)));
    s.connect(tcp, to(1501));
    let first = prelogin(18, CLIENT, 2, b"NamedInstance\0");
    s.segment(tcp, to(1501), &first[..11]);
    s.segment(tcp, to(1501), &first[11..]);
    s.segment(to(1501), tcp, &prelogin(4, SERVER, 2, &[0]));
    s.segment(tcp, to(1501), &login("FRONTEND01", "nobody", ""));
    s.wait(4);
    s.segment(to(1501), tcp, &refused(18_456, 1, "Login failed for user 'nobody'."));
    close(&mut s, tcp, to(1501));

    // Only a named pipe; the specification's list of three; the administrator's port; a cluster that answers from
    // another node.
    let piped =
        instance("OCSSQL01", "YUKONDEV", "9.00.1399.06", r"np;\\OCSSQL01\pipe\MSSQL$YUKONDEV\sql\query");
    ask(&mut s, client(11, 3111), sql, &named("YUKONDEV"), Some(&answer(&piped)));
    s.wait(1_000);
    let list = [
        instance("ILSUNG1", "YUKONSTD", "9.00.1399.06", "tcp;57137"),
        instance("ILSUNG1", "YUKONDEV", "9.00.1399.06", r"np;\\ILSUNG1\pipe\MSSQL$YUKONDEV\sql\query"),
        instance("ILSUNG1", "MSSQLSERVER", "9.00.1399.06", r"tcp;1433;np;\\ILSUNG1\pipe\sql\query"),
    ];
    ask(&mut s, client(12, 3121), at("10.10.0.13:0"), &[3], Some(&answer(&list.concat())));
    s.wait(1_000);
    let dac = [&[0x0f, 1][..], b"YUKONSTD\0"].concat();
    ask(&mut s, client(12, 3122), at("10.10.0.13:0"), &dac, Some(&[5, 6, 0, 1, 0x32, 0xdf]));
    s.wait(1_000);
    s.udp(client(13, 3131), at("10.10.0.14:1434"), 0, &named("NamedInstance"));
    s.wait(2);
    s.udp(at("10.10.0.15:1434"), client(13, 3131), 0, &named_instance(1501));
    s.wait(1_000);

    // No look-up: the default instance.
    let tcp = client(14, 3142);
    agree(&mut s, tcp, to(1433), &Wishes { instance: "MSSQLServer", ..open });
    close(&mut s, tcp, to(1433));
    s
}

/// What a reader has to survive, and what it is to name.
pub fn odd() -> Scene {
    let mut s = Scene::new(32, START);
    let sql = at("10.10.0.9:0");
    let client = |n: u8| SocketAddr::from(([10, 10, 0, 60 + n], 4_000 + u16::from(n)));

    // Answers that are wrong: cut, a size that lies, no end, ports that are none, twice the same, a word too many,
    // bytes of a code page.
    let good = instance("OCSSQL01", "RTC", "9.00.4035.00", "tcp;1501");
    let wrong: [Vec<u8>; 9] = [
        vec![5],
        vec![5, 0, 0],
        [&[5, 0xff, 0xff][..], b"ServerName"].concat(),
        answer(good.trim_end_matches(';')),
        answer(&instance("OCSSQL01", "RTC", "9.00.4035.00", "tcp;")),
        answer(&instance("OCSSQL01", "RTC", "9.00.4035.00", "tcp;70000")),
        answer(&instance("OCSSQL01", "RTC", "9.00.4035.00", "tcp;1501;tcp;1502")),
        answer(&good.replace(";tcp;1501;;", ";tcp;1501;np")),
        {
            let mut bytes = answer(&instance("B?CKER01", "RTC", "9.00.4035.00", "tcp;1501"));
            if let Some(b) = bytes.iter_mut().find(|b| **b == b'?') {
                *b = 0xc4;
            }
            bytes
        },
    ];
    for (n, bytes) in (0u8..).zip(&wrong) {
        ask(&mut s, client(n), sql, &named("RTC"), Some(bytes));
        s.wait(100);
    }
    // Questions that are wrong: no version byte, no zero byte at the end (which servers take).
    ask(&mut s, client(20), sql, &[0x0f], None);
    ask(&mut s, client(21), sql, b"\x04RTC", Some(&answer(&good)));
    s.wait(1_000);

    // More than one datagram holds, in fragments.
    let many: String = (0..60)
        .map(|n| instance("FARM", &format!("INST{n}"), "11.0.3000.00", &format!("tcp;{}", 50_000 + n)))
        .collect();
    ask(&mut s, client(22), sql, &[3], Some(&answer(&many)));
    s.wait(1_000);

    // The worm of 2003 to three machines, an overlong name, and a flood of questions in another's name.
    let mut worm = vec![4];
    worm.extend([1; 375]);
    for n in 1..=3 {
        s.udp(client(30), SocketAddr::from(([10, 10, 9, n], 1434)), 0, &worm);
        s.wait(5);
    }
    s.udp(client(31), browser(sql), 0, &[&[4][..], &[b'A'; 200], &[0]].concat());
    s.wait(1_000);
    let victim = SocketAddr::from(([192, 0, 2, 80], 80 + 50_000));
    for _ in 0..120 {
        s.udp(victim, browser(sql), 0, &[3]);
        s.now += 500;
        s.udp(browser(sql), victim, 0, &answer(&many[..300.min(many.len())]));
        s.now += 9_000;
    }
    s
}
