// Who changed what, newest first, a page at a time.

import { useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, asApiError, get } from "../../app/api.ts";
import { date } from "../../app/format.ts";
import { locale } from "../../app/i18n.ts";
import { hosts } from "../../live/store.ts";
import { Button, Card, Empty, ErrorNote, Spinner } from "../../ui/index.ts";
import { actionOf, actorOf, byDay, weightOf } from "./audit.ts";
import { Intro } from "./parts.tsx";
import { s, sOr } from "./words.ts";

const AUDIT = "/api/edgewatch/v1/audit";
const PAGE = 100;

interface Change {
  key: string;
  at_s: number;
  actor: string;
  actor_name: string | null;
  action: string;
  subject: string;
}

export function Audit() {
  const [changes, setChanges] = useState<readonly Change[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const control = useRef(new AbortController());

  const more = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const reply = await get<{ changes: Change[]; cursor: string | null }>(AUDIT, { cursor: cursor ?? undefined, limit: PAGE }, control.current.signal);
      setChanges((before) => [...before, ...reply.changes]);
      setCursor(reply.cursor);
    } catch (thrown) {
      if (!control.current.signal.aborted) setError(asApiError(thrown));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    void more();
    return () => control.current.abort();
  }, []);

  const days = byDay(changes, (atS) => date(atS));
  return (
    <div class="settings-stack">
      <Intro>{s("audit_about")}</Intro>
      {cursor === undefined && busy && <Spinner />}
      {cursor !== undefined && changes.length === 0 && <Card><Empty title={s("audit_none")} /></Card>}
      {days.map(({ day, entries }) => (
        <Card key={day} title={day} flush>
          <table class="settings-audit">
            <caption class="unseen">{day}</caption>
            <thead class="unseen">
              <tr><th scope="col">{s("audit_when")}</th><th scope="col">{s("audit_who")}</th><th scope="col">{s("audit_what")}</th><th scope="col">{s("audit_subject")}</th></tr>
            </thead>
            <tbody>{entries.map((change) => <Row key={change.key} change={change} />)}</tbody>
          </table>
        </Card>
      ))}
      <ErrorNote error={error} retry={() => void more()} />
      {typeof cursor === "string" && <div class="settings-more"><Button busy={busy} onClick={() => void more()}>{s("more")}</Button></div>}
      {cursor === null && changes.length > 0 && <p class="muted settings-more">{s("audit_end")}</p>}
    </div>
  );
}

function Row({ change }: { change: Change }) {
  const time = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(change.at_s * 1000);
  return (
    <tr>
      <td class="settings-audit-time">{time}</td>
      <td class="settings-audit-who">{who(change)}</td>
      <td class={`settings-audit-what settings-weight-${weightOf(change.action)}`}>{sOr(`action_${change.action.replaceAll(".", "_")}`, change.action)}</td>
      <td class="settings-audit-subject">{subject(change)}</td>
    </tr>
  );
}

function who({ actor, actor_name }: Change): string {
  const { kind, id } = actorOf(actor);
  const plain = sOr(`actor_${kind}`, actor).replace("{id}", id === null ? "" : String(id));
  if (actor_name === null || actor_name === "") return plain.trim();
  return kind === "token" ? `${actor_name} (${plain.trim()})` : actor_name;
}

/** A host by its name where it is still there, and a way to it. */
function subject({ action, subject: text }: Change) {
  const { thing } = actionOf(action);
  const host = thing === "host" && /^\d+$/.test(text) ? hosts.value.get(Number(text)) : undefined;
  if (host) return <a href={`/ui/hosts/${host.id}`}>{host.name}</a>;
  return /^\d+$/.test(text) ? <span class="muted">#{text}</span> : text;
}
