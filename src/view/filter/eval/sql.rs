//! Fields of look-ups of SQL Server.

use super::*;
use crate::correlate::sql::Lookup;
use crate::view::sql;

pub fn lookup(
    analysis: &Analysis,
    l: &Lookup,
    source: &Source,
    with_value: bool,
    sink: &mut Sink<'_>,
) -> bool {
    let mut end = |a: SocketAddr| sink(Value::Address(a, analysis.host_name(a.ip())));
    let connections = || l.connections.iter().filter_map(|c| analysis.sql.connections.get(*c as usize));
    match source.field {
        Field::Ip => end(l.client) || end(l.server) || connections().any(|c| end(c.server)),
        Field::Src => end(l.client),
        Field::Dst => end(l.server),
        Field::Port => {
            let ends = [l.client, l.server].into_iter().chain(connections().map(|c| c.server));
            let mut ports = ends.map(|a| a.port()).chain(l.ports());
            ports.any(|p| sink(Value::Number(i128::from(p))))
        }
        Field::Frame => {
            let messages = l.records.iter().filter_map(|r| analysis.sql.records.get(*r as usize));
            let steps = connections().flat_map(|c| &c.steps).map(|s| s.frame);
            let mut frames = messages.map(|r| r.frame).chain(steps).chain([l.frame]);
            frames.any(|f| sink(Value::Number(i128::from(f.frame))))
        }
        Field::Time | Field::Start => sink(Value::Time(l.start)),
        Field::State if l.is_connection() => connections().any(|c| sink(Value::Text(c.state().name()))),
        Field::State => sink(Value::Text(l.state.name())),
        Field::Type => {
            let kind = if l.is_connection() { "connection" } else { "lookup" };
            sink(Value::Text(kind)) || l.kind.is_some_and(|k| sink(Value::Text(k.name())))
        }
        Field::Malformed => sink(Value::Flag(l.state == crate::correlate::sql::LookupState::Malformed)),
        Field::Instance => {
            l.instance.as_deref().is_some_and(|n| sink(Value::Text(n)))
                || l.instances.iter().filter_map(|i| i.name.as_deref()).any(|n| sink(Value::Text(n)))
        }
        Field::Sql => {
            sink(Value::Text(&sql::verdict(l.verdict)))
                || sink(Value::Text(&sql::lookup_question(l)))
                || sink(Value::Text(&sql::answer(l, analysis)))
                || sink(Value::Text(&sql::then(l, analysis)))
        }
        // What SIP says that is joined to it.
        _ => l.sip.iter().any(|m| visit(analysis, &Subject::Message(*m), source, with_value, sink)),
    }
}

/// Was it refused with 5xx by a machine that was looking for SQL Server in those seconds?
pub fn of_sip(analysis: &Analysis, subject: &Subject<'_>, sink: &mut Sink<'_>) -> bool {
    let of = |m: MsgIdx| analysis.sql_asked_before(m);
    let found = match *subject {
        Subject::Call(c) => analysis.messages_of(analysis.call(c).messages).any(of),
        Subject::Dialog(d) => analysis.messages_of(analysis.dialog(d).messages).any(of),
        Subject::Message(m) => of(m),
        _ => false,
    };
    sink(Value::Flag(found))
}
