//! Writes what is made of sources and lies among the Worker's assets: the documents of the APIs and the pages of /docs.
//!
//! Usage: edgewatch-docs DIRECTORY

mod markdown;
mod openapi;
mod page;
mod reference;
mod site;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let Some(directory) = env::args_os().nth(1) else {
        eprintln!("usage: edgewatch-docs DIRECTORY");
        return ExitCode::FAILURE;
    };
    match write_all(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", directory.to_string_lossy());
            ExitCode::FAILURE
        }
    }
}

fn write_all(directory: &Path) -> io::Result<()> {
    for (name, api) in openapi::all() {
        write(&directory.join(name), &openapi::write(&api.document()))?;
    }
    let docs = directory.join("docs");
    // A page that is no more is served no more.
    match fs::remove_dir_all(&docs) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write(&docs.join("docs.css"), site::STYLE)?;
    for (path, html) in site::pages(Path::new(env!("CARGO_MANIFEST_DIR")))? {
        write(&docs.join(format!("{path}.html")), &html)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)
}
