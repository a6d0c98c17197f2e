// How a Proxmox server is added: an agent that polls, and a script that makes a user on the server and registers it.

import { useState } from "preact/hooks";

import { type ApiError, asApiError, send } from "../../app/api.ts";
import { dateTime } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { Button, Copy, Dialog, ErrorNote, Field, TextInput } from "../../ui/index.ts";
import { Choice } from "../rules/scope.tsx";
import { serverAddress, setupCommands } from "./model.ts";

interface Token {
  token: string;
  expires: string;
}

/** A token that nobody used is worth nothing after this. */
const VALID_MIN = 60;

export function AddServer({ onClose, known }: { onClose: () => void; known: number }) {
  const [first] = useState(known);
  const [kind, setKind] = useState<"pve" | "pbs">("pve");
  const [address, setAddress] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [token, setToken] = useState<Token | null>(null);
  const [refusal, setRefusal] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const host = serverAddress(address, kind);
  const make = async (event: { preventDefault(): void }): Promise<void> => {
    event.preventDefault();
    if (host === null) {
      setWrong(t("proxmox.address_wrong"));
      return;
    }
    setBusy(true);
    setRefusal(null);
    try {
      setToken(await send<Token>("POST", "/api/tokens/generate", { validityMinutes: VALID_MIN, maxUses: 1, allowedTypes: [kind], description: `${t("proxmox.token_for")} ${host}` }));
    } catch (error) {
      setRefusal(asApiError(error));
    } finally {
      setBusy(false);
    }
  };
  const commands = token && host ? setupCommands(window.location.origin, kind, host, token.token) : null;
  return (
    <Dialog
      wide
      title={t("proxmox.add_title")}
      onClose={onClose}
      actions={
        commands ? (
          <Button kind="primary" onClick={onClose}>{t("common.close")}</Button>
        ) : (
          <>
            <Button onClick={onClose}>{t("common.cancel")}</Button>
            <Button kind="primary" type="submit" form="px-add" busy={busy}>{t("proxmox.make_token")}</Button>
          </>
        )
      }
    >
      <form id="px-add" class="ui-form" onSubmit={(event) => void make(event)}>
        <div class="px-step">
          <h3>{t("proxmox.step_agent")}</h3>
          <p class="muted">{t("proxmox.step_agent_about")}</p>
          <Copy label={t("proxmox.step_agent")} text="proxmox = on" />
        </div>
        <div class="px-step">
          <h3>{t("proxmox.step_server")}</h3>
          <Choice name="px-kind" value={kind} options={(["pve", "pbs"] as const).map((value) => ({ value, label: t(`proxmox.kind_long.${value}`) }))} onChange={(value) => { setKind(value); setToken(null); }} />
          <Field label={t("proxmox.address")} hint={t("proxmox.address_hint")} error={wrong}>
            <TextInput value={address} onInput={(text) => { setAddress(text); setWrong(null); setToken(null); }} placeholder={kind === "pve" ? "https://192.0.2.10:8006" : "https://192.0.2.11:8007"} autocomplete="off" spellcheck={false} />
          </Field>
        </div>
        <ErrorNote error={refusal} />
        {commands && token && (
          <div class="px-step">
            <h3>{t("proxmox.step_run")}</h3>
            <p class="muted">{t("proxmox.step_run_about", { time: dateTime(Date.parse(token.expires) / 1000) })}</p>
            {commands.map((command) => <Copy key={command} text={command} />)}
            <p class="muted" role="status">{known > first ? t("proxmox.step_done") : t("proxmox.step_wait")}</p>
          </div>
        )}
      </form>
    </Dialog>
  );
}
