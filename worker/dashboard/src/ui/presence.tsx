// How a host is: a dot whose colour and shape say it, and the word.

import { t } from "../app/i18n.ts";
import type { PresenceWord } from "../live/types.ts";

const KEYS: Record<PresenceWord, string> = { online: "common.online", offline: "common.offline", never: "common.never_reported" };

/** The word for how a host is. */
export function presenceText(presence: PresenceWord): string {
  return t(KEYS[presence]);
}

/** The dot alone, with the word for those who cannot see it: full when up, barred when down, hollow when never heard from. */
export function PresenceDot({ presence }: { presence: PresenceWord }) {
  return <span class={`ui-presence ui-presence-${presence}`} role="img" aria-label={presenceText(presence)} title={presenceText(presence)} />;
}

/** The dot and the word. */
export function PresenceLabel({ presence }: { presence: PresenceWord }) {
  return (
    <span class="ui-status">
      <span class={`ui-presence ui-presence-${presence}`} aria-hidden="true" />
      {presenceText(presence)}
    </span>
  );
}
