// Labels of a host: those that are there, each with a way to take it off, and a field for another.

import { useState } from "preact/hooks";

import { t } from "../../app/i18n.ts";
import { Field, TextInput } from "../../ui/index.ts";
import { withTags } from "./changes.ts";

interface Props {
  tags: readonly string[];
  known: readonly string[];
  error?: string;
  onChange: (tags: string[]) => void;
}

export function TagsInput({ tags, known, error, onChange }: Props) {
  const [text, setText] = useState("");
  const take = (): void => {
    if (text.trim() === "") return;
    onChange(withTags(tags, text));
    setText("");
  };
  return (
    <Field label={t("edit.tags")} hint={t("edit.tags_about")} error={error}>
      <div class="edit-tags">
        {tags.map((tag) => (
          <button key={tag} type="button" class="edit-tag" aria-label={t("edit.tag_remove", { tag })} onClick={() => onChange(tags.filter((other) => other !== tag))}>
            {tag} <span aria-hidden="true">×</span>
          </button>
        ))}
        <TextInput
          class="edit-tag-input"
          value={text}
          maxLength={64}
          autocomplete="off"
          list="edit-known-tags"
          onInput={(value) => {
            // A comma ends a label; what is chosen from the list is one.
            if (value.includes(",")) {
              onChange(withTags(tags, value));
              setText("");
            } else setText(value);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && text.trim() !== "") {
              event.preventDefault();
              take();
            } else if (event.key === "Backspace" && text === "" && tags.length > 0) onChange(tags.slice(0, -1));
          }}
          onBlur={take}
        />
        <datalist id="edit-known-tags">{known.filter((tag) => !tags.includes(tag)).map((tag) => <option key={tag} value={tag} />)}</datalist>
      </div>
    </Field>
  );
}
