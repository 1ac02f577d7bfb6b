//! Where data goes: standard output, or a file that appears whole or not at all.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::failure::Failure;
use crate::output::narrow::Folder;

/// An output being written. Only [`Sink::finish`] makes a file appear under its name.
pub(super) enum Sink {
    Stdout(BufWriter<Standard>),
    /// A terminal that is given lines no longer than it is wide.
    Terminal(Folder<BufWriter<Standard>>),
    /// A device or FIFO.
    Special(BufWriter<std::fs::File>),
    File {
        out: BufWriter<NamedTempFile>,
        path: PathBuf,
        force: bool,
    },
}

/// Standard output without std's own buffer, which looks for line ends in all that is written.
#[cfg(unix)]
type Standard = std::fs::File;

#[cfg(unix)]
fn standard_output() -> io::Result<Standard> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// Consoles of Windows want their text by way of std.
#[cfg(not(unix))]
type Standard = io::StdoutLock<'static>;

#[cfg(not(unix))]
fn standard_output() -> io::Result<Standard> {
    Ok(io::stdout().lock())
}

/// Whether an output is a folder for several files: it is one, or its name ends as that of one.
pub(super) fn folder(path: Option<&Path>) -> Option<&Path> {
    let path = path.filter(|p| *p != Path::new("-"))?;
    let named =
        path.as_os_str().as_encoded_bytes().last().is_some_and(|b| std::path::is_separator(char::from(*b)));
    (named || path.is_dir()).then_some(path)
}

/// Files of a folder: none gets its name before all are written.
#[derive(Default)]
pub(super) struct Files {
    sinks: Vec<Sink>,
}

impl Files {
    /// Tells early whether any of these files cannot be written into a folder.
    pub fn check(folder: &Path, names: &[&str], force: bool) -> Result<(), Failure> {
        if std::fs::metadata(folder).is_ok_and(|m| !m.is_dir()) {
            return Err(Failure::usage(format!("{}: is not a directory", folder.display())));
        }
        names.iter().try_for_each(|name| check(Some(&folder.join(name)), force))
    }

    /// One more of them; the folder is made if it is not there, but not those above it.
    pub fn open(&mut self, folder: &Path, name: &str, force: bool) -> Result<&mut Sink, Failure> {
        if !folder.is_dir() {
            std::fs::create_dir(folder).map_err(|e| {
                Failure::usage(crate::view::show::not_created(&folder.display().to_string(), &e))
            })?;
        }
        let sink = Sink::open(Some(&folder.join(name)), force)?;
        self.sinks.push(sink);
        self.sinks.last_mut().ok_or_else(|| Failure::usage("no file"))
    }

    /// Gives all their names.
    pub fn finish(self) -> Result<(), Failure> {
        self.sinks.into_iter().try_for_each(Sink::finish)
    }
}

/// Tells early, before a long analysis, that an output cannot be written.
pub(super) fn check(path: Option<&Path>, force: bool) -> Result<(), Failure> {
    let Some(path) = path.filter(|p| *p != Path::new("-")) else { return Ok(()) };
    match std::fs::metadata(path) {
        Ok(m) if m.is_dir() => Err(Failure::usage(format!("{}: is a directory", path.display()))),
        Ok(m) if m.is_file() && !force => Err(exists(path)),
        _ => Ok(()),
    }
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{}: exists already (--force replaces it)", path.display()))
}

impl Sink {
    /// `None` and `-` are standard output.
    pub fn open(path: Option<&Path>, force: bool) -> Result<Self, Failure> {
        check(path, force)?;
        let Some(path) = path.filter(|p| *p != Path::new("-")) else {
            return Ok(Self::Stdout(BufWriter::with_capacity(1 << 16, standard_output()?)));
        };
        let says =
            |e: io::Error| Failure::usage(crate::view::show::not_created(&path.display().to_string(), &e));
        if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
            let file = std::fs::OpenOptions::new().write(true).open(path).map_err(says)?;
            return Ok(Self::Special(BufWriter::new(file)));
        }
        // A symbolic link keeps standing: what it points to is replaced.
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let directory = match target.parent() {
            Some(p) if p != Path::new("") => p.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".callscope-");
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        #[cfg(unix)]
        builder.permissions(permissions);
        let file = builder.tempfile_in(directory).map_err(says)?;
        Ok(Self::File { out: BufWriter::with_capacity(1 << 16, file), path: target, force })
    }

    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Stdout(_) | Self::Terminal(_)) && io::stdout().is_terminal()
    }

    /// From here on, lines too long for a terminal go on below; elsewhere they stay as they are, and its width, which may take
    /// other programs to be told, is not asked for.
    pub fn folded(self, columns: impl FnOnce() -> usize) -> Self {
        match self {
            Self::Stdout(out) if io::stdout().is_terminal() => Self::Terminal(Folder::new(out, columns())),
            other => other,
        }
    }

    /// Writes what is held back and gives the file its name.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout(mut out) => out.flush()?,
            Self::Terminal(out) => out.finish()?.flush()?,
            Self::Special(mut out) => out.flush()?,
            Self::File { out, path, force } => {
                let file = out.into_inner().map_err(|e| e.into_error())?;
                let done = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
                done.map_err(|e| match e.error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&path),
                    _ => Failure::usage(format!("{}: {}", path.display(), e.error)),
                })?;
            }
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(buf),
            Self::Terminal(out) => out.write(buf),
            Self::Special(out) => out.write(buf),
            Self::File { out, .. } => out.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Terminal(out) => out.flush(),
            Self::Special(out) => out.flush(),
            Self::File { out, .. } => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_and_is_not_replaced() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("out.txt");
        let mut sink = Sink::open(Some(&path), false).expect("opens");
        sink.write_all(b"one").expect("writes");
        assert!(!path.exists());
        sink.finish().expect("finishes");
        assert_eq!(std::fs::read(&path).expect("reads"), b"one");
        assert!(Sink::open(Some(&path), false).is_err());
        let mut sink = Sink::open(Some(&path), true).expect("opens");
        sink.write_all(b"two").expect("writes");
        sink.finish().expect("finishes");
        assert_eq!(std::fs::read(&path).expect("reads"), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 1);
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("out.txt");
        let mut sink = Sink::open(Some(&path), false).expect("opens");
        sink.write_all(b"one").expect("writes");
        drop(sink);
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 0);
    }
}
