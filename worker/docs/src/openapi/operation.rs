//! One method of one path, as the tables say it.

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Gives the schema of a type.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

/// Who may call.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    /// In words.
    pub words: &'static str,
    /// The security schemes, any of which will do; none for everybody.
    pub schemes: &'static [&'static str],
    /// Whether it is answered without any of them too.
    pub optional: bool,
}

/// A parameter of the query.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub words: &'static str,
    /// Whether it has to be there.
    pub required: bool,
}

/// What is sent or answered.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// JSON of a type.
    Json(Describe),
    /// Anything else, by its media type.
    Other(&'static str),
    /// No body.
    Nothing,
}

/// An answer that is no error.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What it is.
    pub words: &'static str,
    /// Its body.
    pub content: Content,
}

/// What can go wrong besides what every operation of its shape has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// What is sent collides with what there is.
    Conflict,
    /// Too many attempts.
    Attempts,
    /// It is not found, though no part of the path names it.
    NotFound,
}

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// In upper case.
    pub method: &'static str,
    /// As the router has it.
    pub path: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The group it is listed in.
    pub tag: &'static str,
    /// Who may call.
    pub who: Who,
    /// Of the query.
    pub query: Vec<Query>,
    /// What is sent.
    pub request: Option<Content>,
    /// Whether it has to be.
    pub is_request_needed: bool,
    /// What is answered.
    pub answers: Vec<Answer>,
    /// What may go wrong besides.
    pub may: Vec<May>,
}

macro_rules! methods {
    ($($name:ident $method:literal),*) => {$(
        /// An operation of this method.
        pub fn $name(path: &'static str, summary: &'static str, who: Who) -> Operation {
            Operation::new($method, path, summary, who)
        }
    )*};
}
methods!(get "GET", post "POST", put "PUT", patch "PATCH", delete "DELETE");

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    fn new(method: &'static str, path: &'static str, summary: &'static str, who: Who) -> Self {
        let (query, answers, may) = (vec![], vec![], vec![]);
        Self { method, path, summary, tag: "", who, query, request: None, is_request_needed: true, answers, may }
    }

    /// May have this in its query.
    #[must_use]
    pub fn query(mut self, name: &'static str, words: &'static str) -> Self {
        self.query.push(Query { name, words, required: false });
        self
    }

    /// Has to have this in its query.
    #[must_use]
    pub fn needs(mut self, name: &'static str, words: &'static str) -> Self {
        self.query.push(Query { name, words, required: true });
        self
    }

    /// Takes JSON of this type.
    #[must_use]
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.request = Some(Content::Json(describe::<T>));
        self
    }

    /// Takes JSON of this type, or no body at all.
    #[must_use]
    pub fn may_take<T: JsonSchema>(mut self) -> Self {
        self.is_request_needed = false;
        self.takes::<T>()
    }

    /// Answers with JSON of this type.
    #[must_use]
    pub fn gives<T: JsonSchema>(self, status: u16) -> Self {
        self.answer(status, "As asked for.", Content::Json(describe::<T>))
    }

    /// Answers with a body of this media type.
    #[must_use]
    pub fn gives_other(self, status: u16, media_type: &'static str, words: &'static str) -> Self {
        self.answer(status, words, Content::Other(media_type))
    }

    /// Answers with no body.
    #[must_use]
    pub fn gives_nothing(self, status: u16, words: &'static str) -> Self {
        self.answer(status, words, Content::Nothing)
    }

    /// Opens a WebSocket.
    #[must_use]
    pub fn opens(self, words: &'static str) -> Self {
        self.answer(101, words, Content::Nothing)
    }

    /// May go wrong in this way too.
    #[must_use]
    pub fn may(mut self, may: May) -> Self {
        self.may.push(may);
        self
    }

    fn answer(mut self, status: u16, words: &'static str, content: Content) -> Self {
        self.answers.push(Answer { status, words, content });
        self
    }

    /// The names in the path, in their order.
    pub fn path_names(&self) -> Vec<&'static str> {
        let part = |part: &'static str| {
            part.strip_suffix(".json")
                .unwrap_or(part)
                .strip_prefix('{')?
                .strip_suffix('}')
                .map(|name| name.trim_start_matches('*'))
        };
        self.path.split('/').filter_map(part).collect()
    }
}

/// Operations of one group.
pub fn group(tag: &'static str, operations: Vec<Operation>) -> Vec<Operation> {
    operations.into_iter().map(|operation| Operation { tag, ..operation }).collect()
}
