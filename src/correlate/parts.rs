//! Independent work over the calls of an analysis, on all cores.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Items that a thread takes at once.
const AT_ONCE: usize = 32;

/// Cores to be had, asked for once: the system takes several files to tell.
pub fn cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// Does independent work in parts, as many at once as there are cores; the order of what comes out is that of the parts.
/// They are small, so that no core is left idle while another one has half of the work before it.
pub fn in_parts<T: Sync, R: Send>(work: &[T], part: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let parts: Vec<&[T]> = work.chunks(AT_ONCE).collect();
    let threads = cores().min(16).min(parts.len());
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(of) = parts.get(at) else { return done };
            done.push((at, part(of)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_work() {
        for n in [0usize, 1, AT_ONCE, AT_ONCE + 1, 40 * AT_ONCE + 7] {
            let work: Vec<usize> = (0..n).collect();
            // Each third gives nothing, the others give two.
            let make =
                |part: &[usize]| part.iter().filter(|i| *i % 3 > 0).flat_map(|i| [*i, i * 2]).collect();
            let wanted: Vec<usize> = work.iter().filter(|i| *i % 3 > 0).flat_map(|i| [*i, i * 2]).collect();
            assert_eq!(in_parts(&work, make), wanted);
        }
    }

    #[test]
    #[should_panic(expected = "of one part")]
    fn a_panic_is_passed_on() {
        let work: Vec<usize> = (0..20 * AT_ONCE).collect();
        in_parts(&work, |part| {
            assert!(!part.contains(&(7 * AT_ONCE)), "of one part");
            part.to_vec()
        });
    }
}
