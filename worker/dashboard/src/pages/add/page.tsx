// Adding a host: a token that can do nothing else, the line to run, and the host's arrival as it happens.

import { useEffect, useState } from "preact/hooks";

import { send } from "../../app/api.ts";
import { dateTime } from "../../app/format.ts";
import { register, t } from "../../app/i18n.ts";
import { hosts, liveState, showHosts } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import en from "../../messages/en/add.json";
import zh from "../../messages/zh/add.json";
import { Button, LinkButton } from "../../ui/Button.tsx";
import { Copy, ErrorNote, Spinner } from "../../ui/feedback.tsx";
import { Field, NumberInput, Select } from "../../ui/fields.tsx";
import { useForm } from "../../ui/form.ts";
import { CheckIcon } from "../../ui/icons.tsx";
import { PageHeader } from "../../ui/layout.tsx";
import { arrived, installCommand } from "./command.ts";
import "./add.css";

register("add", { en, zh });

interface Made {
  command: string;
  count: number;
  expiresAtS: number;
  /** Who was there before. */
  known: ReadonlySet<number>;
}

export default function AddPage() {
  const [made, setMade] = useState<Made | null>(null);
  return (
    <div class="add">
      <PageHeader title={t("add.title")} />
      <p class="muted add-lead">{t("add.lead")}</p>
      <ol class="add-steps">
        <li class={made ? "add-step add-step-done" : "add-step"}>
          <h2>{t("add.step_make")}</h2>
          <MakeToken isMade={made !== null} onMade={setMade} />
        </li>
        <li class={made ? "add-step" : "add-step add-step-later"}>
          <h2>{t("add.step_run")}</h2>
          {made && <Run made={made} />}
        </li>
        <li class={made ? "add-step" : "add-step add-step-later"}>
          <h2>{t("add.step_wait")}</h2>
          {made && <Arrivals made={made} />}
        </li>
      </ol>
    </div>
  );
}

function MakeToken({ isMade, onMade }: { isMade: boolean; onMade: (made: Made) => void }) {
  const form = useForm({ uses: 1 as number | undefined, expires_in_s: "3600" }, async ({ uses, expires_in_s: seconds }) => {
    const count = uses ?? 1;
    const known = new Set(hosts.peek().keys());
    const note = `add host, ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
    const reply = await send<{ token: string }>("POST", "/api/edgewatch/v1/tokens", { note, kind: "api", scopes: ["register"], uses: count, expires_in_s: Number(seconds) });
    onMade({ command: installCommand(window.location.origin, reply.token), count, expiresAtS: Math.floor(Date.now() / 1000) + Number(seconds), known });
  });
  const spans = [
    { value: "3600", label: t("add.hour") },
    { value: "86400", label: t("add.day") },
    { value: "604800", label: t("add.week") },
  ];
  return (
    <form class="add-form" onSubmit={form.onSubmit}>
      <Field label={t("add.how_many")} error={form.errors.uses}>
        <NumberInput name="uses" min={1} max={1000} step={1} required value={form.values.uses} onInput={(uses) => form.set({ uses })} />
      </Field>
      <Field label={t("add.valid")} error={form.errors.expires_in_s}>
        <Select name="valid" value={form.values.expires_in_s} options={spans} onChange={(seconds) => form.set({ expires_in_s: seconds })} />
      </Field>
      <Button type="submit" kind={isMade ? "plain" : "primary"} busy={form.busy}>{t(isMade ? "add.another" : "add.make")}</Button>
      <ErrorNote error={form.error} />
    </form>
  );
}

function Run({ made }: { made: Made }) {
  const isClear = window.location.protocol === "http:";
  return (
    <div class="add-run">
      <Copy text={made.command} label={t("add.command")} />
      <p class="muted">{t("add.expires", { count: made.count, time: dateTime(made.expiresAtS) })} {t("add.shown_once")}</p>
      <p class="muted">{t("add.linux")} {t("add.name_hint")}</p>
      {isClear && <p class="add-warning">{t("add.insecure")}</p>}
    </div>
  );
}

function Arrivals({ made }: { made: Made }) {
  const came = arrived(made.known, hosts.value.values());
  const ids = came.map((host) => host.id).slice(0, 20);
  // Looked at, they report at once and not when their turn comes.
  useEffect(() => showHosts(ids), [ids.join(" ")]);
  const { live, text } = liveState.value;
  return (
    <div class="add-arrivals" role="status">
      {came.map((host) => <Arrival key={host.id} host={host} />)}
      {came.length < made.count && (
        <div class="add-waiting">
          <Spinner small />
          <div>
            <p>{t("add.waiting")}</p>
            <p class="muted">{live ? t("add.waiting_hint") : t("add.not_live", { state: text })}</p>
          </div>
        </div>
      )}
    </div>
  );
}

function Arrival({ host }: { host: HostNow }) {
  const reports = host.presence === "online";
  return (
    <div class={reports ? "add-arrival add-arrival-here" : "add-arrival"} data-id={host.id}>
      {reports ? <span class="add-mark"><CheckIcon /></span> : <Spinner small />}
      <p><strong>{host.name}</strong> {t(reports ? "add.reports" : "add.registered")}</p>
      {reports && <LinkButton small href={`/ui/hosts/${host.id}`}>{t("add.open")}</LinkButton>}
    </div>
  );
}
