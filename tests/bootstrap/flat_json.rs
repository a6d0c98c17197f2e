//! Just enough JSON to read what the script sends: one object of strings. Strict, so that a wrong escape fails.

/// The members of an object of strings, in their order.
///
/// # Panics
/// When the text is anything else.
pub fn members(text: &str) -> Vec<(String, String)> {
    let mut rest = text.strip_prefix('{').expect("an object begins");
    let mut members = Vec::new();
    loop {
        let (name, after) = string(rest);
        let (value, after) = string(after.strip_prefix(':').expect("a name ends in a colon"));
        members.push((name, value));
        if after == "}" {
            return members;
        }
        rest = after.strip_prefix(',').expect("members are parted by commas");
    }
}

/// A string at the beginning of a text, and what follows it.
fn string(text: &str) -> (String, &str) {
    let text = text.strip_prefix('"').expect("a string begins");
    let mut units = Vec::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                return (String::from_utf16(&units).expect("surrogates come in pairs"), &text[at + 1..]);
            }
            '\\' => match characters.next().expect("an escape goes on").1 {
                'u' => {
                    let digits = &text[at + 2..at + 6];
                    units.push(u16::from_str_radix(digits, 16).expect("four hex digits"));
                    characters.nth(3);
                }
                plain @ ('"' | '\\' | '/') => {
                    units.push(u16::try_from(u32::from(plain)).expect("ASCII"));
                }
                other => panic!("an escape that this reader does not know: {other}"),
            },
            _ if character < ' ' => panic!("a control character in a string"),
            _ => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
        }
    }
    panic!("the string does not end")
}
