//! The page in a browser, where one is installed: both themes, a wide screen and a phone, links and print.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::page;

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// As long as a slow machine may take for a page.
const PATIENCE: Duration = Duration::from_secs(120);

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut all = std::env::split_paths(&path).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    all.find(|file| file.is_file())
}

/// Runs it on a page with a profile of its own; what it prints.
fn look(browser: &Path, folder: &Path, arguments: &[String]) -> String {
    let profile = tempfile::tempdir_in(folder).expect("a profile");
    let out = std::fs::File::create(folder.join("out")).expect("creates");
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let begun = Instant::now();
    loop {
        match child.try_wait().expect("is ours") {
            Some(_) => break,
            None if begun.elapsed() > PATIENCE => {
                child.kill().expect("is ours");
                panic!("the browser does not come to an end: {arguments:?}");
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    std::fs::read_to_string(folder.join("out")).expect("reads")
}

/// Size of a picture and its points as RGB (PNG of 8 bits a channel, not interlaced).
fn points(png: &[u8]) -> (usize, usize, Vec<[u8; 3]>) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes")) as usize;
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let (width, height, kind) = (number(16), number(20), png[25]);
    let channels = match kind {
        2 => 3,
        6 => 4,
        other => panic!("colour type {other}"),
    };
    let (mut at, mut packed) = (8, Vec::new());
    while at + 8 <= png.len() {
        let length = number(at);
        if &png[at + 4..at + 8] == b"IDAT" {
            packed.extend_from_slice(&png[at + 8..at + 8 + length]);
        }
        at += length + 12;
    }
    let mut raw = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&packed[..]), &mut raw).expect("inflates");
    let stride = width * channels;
    let mut above = vec![0u8; stride];
    let mut out = Vec::with_capacity(width * height);
    for line in raw.chunks_exact(stride + 1) {
        let mut now = line[1..].to_vec();
        for i in 0..stride {
            let left = if i >= channels { now[i - channels] } else { 0 };
            let (up, corner) = (above[i], if i >= channels { above[i - channels] } else { 0 });
            let add = match line[0] {
                0 => 0,
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                _ => {
                    let guess = i32::from(left) + i32::from(up) - i32::from(corner);
                    let far = |b: u8| (guess - i32::from(b)).abs();
                    if far(left) <= far(up) && far(left) <= far(corner) {
                        left
                    } else if far(up) <= far(corner) {
                        up
                    } else {
                        corner
                    }
                }
            };
            now[i] = now[i].wrapping_add(add);
        }
        out.extend(now.chunks_exact(channels).map(|p| [p[0], p[1], p[2]]));
        above = now;
    }
    (width, height, out)
}

/// How light it is on the whole, and how many colours it has.
fn impression(file: &Path) -> (f64, usize) {
    let (width, height, points) = points(&std::fs::read(file).expect("a picture"));
    assert_eq!(points.len(), width * height);
    let sum: u64 = points.iter().flatten().map(|c| u64::from(*c)).sum();
    let colours: std::collections::HashSet<[u8; 3]> = points.iter().copied().collect();
    (sum as f64 / (points.len() * 3) as f64, colours.len())
}

#[test]
fn the_page_is_seen_as_it_is_meant() {
    let Some(browser) = browser() else {
        println!("no browser is installed: the page was not looked at");
        return;
    };
    let folder = tempfile::tempdir().expect("directory");
    let file = folder.path().join("report.html");
    let address = format!("file://{}", file.display());
    for sample in ["conference.pcap", "tour.pcapng", "sql.pcap", "media_lossy.pcap", "no_path.pcap"] {
        let text = page(&[sample]);
        std::fs::write(&file, &text).expect("writes");
        measure(&browser, folder.path(), sample, &text);
        if !matches!(sample, "media_lossy.pcap" | "no_path.pcap") {
            continue;
        }
        for width in [1280, 390] {
            let seen = [0, 1].map(|theme| {
                let picture = folder.path().join(format!("{theme}.png"));
                let arguments = [
                    format!("--blink-settings=preferredColorScheme={theme}"),
                    format!("--window-size={width},1600"),
                    format!("--screenshot={}", picture.display()),
                    address.clone(),
                ];
                look(&browser, folder.path(), &arguments);
                impression(&picture)
            });
            let [(dark, of_dark), (light, of_light)] = seen;
            assert!(of_dark > 50 && of_light > 50, "{sample} {width}: {seen:?} is blank");
            // Under its policy the styles hold, and both themes are there.
            assert!(dark < 70.0 && light > 190.0, "{sample} {width}: {seen:?}");
        }
    }
    let pdf = folder.path().join("report.pdf");
    look(&browser, folder.path(), &[format!("--print-to-pdf={}", pdf.display()), address]);
    let bytes = std::fs::read(pdf).expect("is printed");
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() > 20_000);
}

/// What a script sees that the page itself would not run: a copy without the policy is asked, in a frame, since a window
/// cannot be as narrow as a phone.
fn measure(browser: &Path, folder: &Path, sample: &str, text: &str) {
    let (before, after) = text.split_once("<meta http-equiv").expect("a policy");
    let after = after.split_once(">\n").expect("its end").1;
    let script = "<script>addEventListener('load', () => {
        const wide = document.documentElement.scrollWidth;
        const links = [...document.querySelectorAll('.finding dd a')];
        const link = links.find(a => a.hash.startsWith('#message-') || a.hash.startsWith('#frame-'));
        if (link) location.hash = link.hash;
        setTimeout(() => {
            const to = link && document.getElementById(link.hash.slice(1)).closest('details');
            parent.postMessage(`${wide} of ${innerWidth}, open ${!link || to.open}`, '*');
        }, 50);
    });</script></body>";
    let copy = format!("{before}{after}").replace("</body>", script);
    std::fs::write(folder.join("measured.html"), copy).expect("writes");
    for width in [390, 1280].into_iter().filter(|w| *w < 1000 || sample == "no_path.pcap") {
        let around = format!(
            "<!DOCTYPE html><script>onmessage = e => document.documentElement.dataset.seen = e.data</script>\
             <iframe src=\"measured.html\" width=\"{width}\" height=\"900\" style=\"border:0\"></iframe>"
        );
        let file = folder.join("around.html");
        std::fs::write(&file, around).expect("writes");
        let arguments = [
            "--window-size=1400,1000".to_owned(),
            "--virtual-time-budget=10000".to_owned(),
            "--dump-dom".to_owned(),
            format!("file://{}", file.display()),
        ];
        let dom = look(browser, folder, &arguments);
        let seen = dom.split("data-seen=\"").nth(1).and_then(|t| t.split('"').next());
        // Nothing is wider than the window, and a link opens what it leads to.
        assert_eq!(seen, Some(format!("{width} of {width}, open true").as_str()), "{sample}");
    }
}
