//! A bus for tests: lets everybody in, and answers calls by their method's name.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use super::wire::{self, Body, Writer};
use crate::testing::TestDirectory;

/// What a method gives: the types and the bytes of its body, or the name of its failure.
pub type Answer = Result<(&'static str, Vec<u8>), &'static str>;

/// A bus that serves one connection.
pub struct StandIn {
    directory: TestDirectory,
    thread: JoinHandle<Vec<String>>,
}

impl StandIn {
    /// Starts one. `answer` is told the method and the first text of a call.
    pub fn start(answer: impl FnMut(&str, &str) -> Answer + Send + 'static) -> Self {
        let directory = TestDirectory::new();
        let listener = UnixListener::bind(directory.path().join("bus")).unwrap();
        let thread = thread::spawn(move || serve(&listener.accept().unwrap().0, answer));
        Self { directory, thread }
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("bus")
    }

    /// What was called, once the connection is closed.
    pub fn called(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

fn serve(stream: &UnixStream, mut answer: impl FnMut(&str, &str) -> Answer) -> Vec<String> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("\0AUTH EXTERNAL 3"), "{line:?}");
    (&*stream).write_all(b"OK 1234deadbeef\r\n").unwrap();
    line.clear();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "BEGIN\r\n");
    let mut called = Vec::new();
    let mut start = [0; wire::START_BYTES];
    while reader.read_exact(&mut start).is_ok() {
        let lengths = wire::lengths(&start).unwrap();
        let serial = u32::from_le_bytes(start[8..12].try_into().unwrap());
        let mut fields = vec![0; lengths.fields];
        reader.read_exact(&mut fields).unwrap();
        let mut bytes = vec![0; lengths.body];
        reader.read_exact(&mut bytes).unwrap();
        // A field's value stands behind its code and its type's name, which is one letter.
        let text_of = |code: u8| {
            let at =
                (0..fields.len()).step_by(8).find(|at| fields[*at..].starts_with(&[code, 1]) && fields[*at + 3] == 0);
            let tail = fields[at.unwrap() + 4..].to_vec();
            Body { bytes: tail, is_big: false }.reader().text().unwrap().to_owned()
        };
        let (path, method) = (text_of(1), text_of(3));
        let text = Body { bytes, is_big: false }.reader().text().unwrap_or_default().to_owned();
        called.push(format!("{path} {method} {text}").trim_end().to_owned());
        if method == "Hello" {
            // The real bus tells the name twice: in its answer and by a signal.
            (&*stream).write_all(&message(4, None, Ok(("s", texts(&[":1.7"]))))).unwrap();
            (&*stream).write_all(&message(2, Some(serial), Ok(("s", texts(&[":1.7"]))))).unwrap();
            continue;
        }
        let answer = answer(&method, &text);
        let kind = if answer.is_ok() { 2 } else { 3 };
        if (&*stream).write_all(&message(kind, Some(serial), answer)).is_err() {
            break;
        }
    }
    called
}

/// A body of texts.
pub fn texts(texts: &[&str]) -> Vec<u8> {
    let mut writer = Writer::default();
    for text in texts {
        writer.text(text);
    }
    writer.0
}

/// A body of one array whose elements begin at multiples of 8.
pub fn array(mut element: impl FnMut(&mut Writer) -> bool) -> Vec<u8> {
    let mut writer = Writer(vec![0; 8]);
    loop {
        let before = writer.0.len();
        writer.pad(8);
        if !element(&mut writer) {
            writer.0.truncate(before);
            break;
        }
    }
    let length = u32::try_from(writer.0.len() - 8).unwrap();
    writer.0[..4].copy_from_slice(&length.to_le_bytes());
    writer.0
}

fn message(kind: u8, answers: Option<u32>, answer: Answer) -> Vec<u8> {
    let (signature, body, error) = match answer {
        Ok((signature, body)) => (signature, body, None),
        Err(error) => ("s", texts(&["it is so"]), Some(error)),
    };
    let mut fields = Writer::default();
    if let Some(answers) = answers {
        fields.0.push(5);
        fields.signature("u");
        fields.0.extend(answers.to_le_bytes());
    }
    if let Some(error) = error {
        fields.pad(8);
        fields.0.push(4);
        fields.signature("s");
        fields.text(error);
    }
    fields.pad(8);
    fields.0.push(8);
    fields.signature("g");
    fields.signature(signature);
    let mut message = Writer(vec![b'l', kind, 0, 1]);
    message.length(body.len());
    message.0.extend(99_u32.to_le_bytes());
    message.length(fields.0.len());
    message.0.extend(fields.0);
    message.pad(8);
    message.0.extend(body);
    message.0
}
