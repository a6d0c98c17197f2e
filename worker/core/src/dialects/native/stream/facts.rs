//! What the host is, by socket.

use super::wire::{DecodeError, Reader, Writer};
use crate::dialects::native::HostFacts;
use crate::model;

/// Processor and GPU models that are read: one more than a host may have, so that the intake sees that there were too many.
const MAX_MODELS: usize = 65;

/// What the host is. Fields 1 to 12 are those of [`HostFacts`] in their order; `cpu` and `gpu` repeat, sizes and times are doubles.
/// Field 13 is `machine`, the JSON of a report: it is sent rarely, and one shape serves both ways.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts(pub HostFacts);

impl Facts {
    /// The facts in the model's words, by the same rules as in a report. Values that cannot be true are left out and listed.
    pub fn into_facts(self) -> (model::Facts, Vec<model::Dropped>) {
        self.0.into_facts()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let facts = &self.0;
        let texts = [&facts.platform, &facts.platform_version, &facts.kernel, &facts.arch, &facts.virtualization];
        for (id, text) in (1..).zip(texts) {
            writer.text(id, text.as_deref().unwrap_or_default());
        }
        facts.cpu.iter().for_each(|model| writer.bytes(6, model.as_bytes()));
        facts.gpu.iter().for_each(|model| writer.bytes(7, model.as_bytes()));
        writer.real(8, facts.mem_total_bytes);
        writer.real(9, facts.swap_total_bytes);
        writer.real(10, facts.disk_total_bytes);
        writer.real(11, facts.booted_at_s);
        writer.text(12, facts.addresses.as_deref().unwrap_or_default());
        // Texts and numbers alone: there is nothing in it that JSON does not have.
        if let Some(json) = facts.machine.as_ref().and_then(|machine| serde_json::to_vec(machine).ok()) {
            writer.bytes(13, &json);
        }
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut facts = HostFacts::default();
        while let Some(field) = reader.field()? {
            match field.id {
                1 => facts.platform = Some(field.text()?),
                2 => facts.platform_version = Some(field.text()?),
                3 => facts.kernel = Some(field.text()?),
                4 => facts.arch = Some(field.text()?),
                5 => facts.virtualization = Some(field.text()?),
                6 if facts.cpu.len() < MAX_MODELS => facts.cpu.push(field.text()?),
                7 if facts.gpu.len() < MAX_MODELS => facts.gpu.push(field.text()?),
                8 => facts.mem_total_bytes = Some(field.real()?),
                9 => facts.swap_total_bytes = Some(field.real()?),
                10 => facts.disk_total_bytes = Some(field.real()?),
                11 => facts.booted_at_s = Some(field.real()?),
                12 => facts.addresses = Some(field.text()?),
                13 => facts.machine = Some(serde_json::from_slice(field.body).map_err(|_| DecodeError::Damaged)?),
                _ => {}
            }
        }
        Ok(Self(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_without_end_are_read_to_one_too_many() {
        let mut writer = Writer::nested();
        for _ in 0..200 {
            writer.bytes(6, b"cpu");
            writer.bytes(7, b"gpu");
        }
        let facts = Facts::read(Reader::of(&writer.into_bytes())).unwrap();
        assert_eq!((facts.0.cpu.len(), facts.0.gpu.len()), (65, 65));
        let (facts, dropped) = facts.into_facts();
        assert_eq!((facts.cpu.len(), facts.gpu.len(), dropped.len()), (64, 64, 2));
    }

    #[test]
    fn a_machine_that_is_no_json_is_damage_and_one_that_is_too_much_is_cut() {
        let read = |json: &[u8]| {
            let mut writer = Writer::nested();
            writer.bytes(13, json);
            Facts::read(Reader::of(&writer.into_bytes()))
        };
        assert_eq!(read(b"{"), Err(DecodeError::Damaged));
        assert_eq!(read(br#"{"os":1}"#), Err(DecodeError::Damaged));
        assert_eq!(read("[".repeat(60_000).as_bytes()), Err(DecodeError::Damaged), "however deep");
        let many = format!(r#"{{"block_devices":[{}{{}}]}}"#, r#"{"name":"sda"},"#.repeat(4_000));
        let (facts, dropped) = read(many.as_bytes()).unwrap().into_facts();
        assert_eq!((facts.machine.unwrap().block_devices.len(), dropped.len()), (256, 1));
        assert_eq!(dropped[0].field, "host.machine.block_devices");
    }
}
