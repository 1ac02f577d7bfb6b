//! The `callscope` program; everything is in the library.

fn main() -> std::process::ExitCode {
    callscope::cli::main()
}
