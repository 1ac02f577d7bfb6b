//! Look-ups of SQL Server and the connections that follow, for tests. [MC-SQLR] messages.

use super::{START, Scenario};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Transport;
use crate::decode::{Breakage, BreakageKind, DecodedSqlr, Place, TcpSign, TcpSignKind};

/// `ServerName;SQL01;InstanceName;RTC;…;tcp;1501;;`, without a port no tcp token.
pub fn answer(name: &str, port: Option<u16>) -> Vec<u8> {
    let tcp = port.map_or_else(String::new, |port| format!("tcp;{port};"));
    let data = format!("ServerName;SQL01;InstanceName;{name};IsClustered;No;Version;10.0.1600.22;{tcp};");
    [&[5][..], &(data.len() as u16).to_le_bytes(), data.as_bytes()].concat()
}

impl Scenario {
    fn next_frame(&mut self) -> FrameRef {
        self.frames += 1;
        FrameRef { capture: CaptureId(0), frame: self.frames }
    }

    /// A message of SQL Server Browser.
    pub fn sqlr(&mut self, ms: i64, path: &str, bytes: &[u8]) {
        let frame = self.next_frame();
        let (src, dst) = path.split_once('>').unwrap();
        let (src, dst, time) = (src.parse().unwrap(), dst.parse().unwrap(), START + ms * 1_000_000);
        let place = Place::Memory(bytes);
        let m = DecodedSqlr { bytes, place, frame, time, src, dst, duplicate: false, cut: false };
        assert!(self.analysis.add_sqlr(&m));
    }

    /// A sign of what became of a connection.
    pub fn tcp(&mut self, ms: i64, path: &str, kind: TcpSignKind) {
        let frame = self.next_frame();
        let (src, dst) = path.split_once('>').unwrap();
        let (src, dst, time) = (src.parse().unwrap(), dst.parse().unwrap(), START + ms * 1_000_000);
        self.analysis.add_tcp_sign(&TcpSign { src, dst, kind, seq: 1, frame, time });
    }

    /// An ICMP error (port unreachable) about what went over `path`.
    pub fn sql_unreachable(&mut self, ms: i64, path: &str, transport: Transport) {
        let frame = self.next_frame();
        let (src, dst) = path.split_once('>').unwrap();
        let (src, dst): (std::net::SocketAddr, std::net::SocketAddr) =
            (src.parse().unwrap(), dst.parse().unwrap());
        let kind = BreakageKind::Icmp { v6: false, kind: 3, code: 3 };
        let (by, time) = (dst.ip(), START + ms * 1_000_000);
        self.analysis.add_sql_error(&Breakage { src, dst, transport, kind, by, frame, time, branch: 0 });
    }
}
