// `/ui/settings` and its parts. Who only looks sees what is theirs: this browser, their account, the budget.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { PageProps } from "../../app/routes.ts";
import { session } from "../../app/session.ts";
import { Empty, NotAllowed, PageHeader, Tabs } from "../../ui/index.ts";
import { Audit } from "./audit.tsx";
import { Budget } from "./budget.tsx";
import { Channels } from "./channels.tsx";
import { General } from "./general.tsx";
import { Guests } from "./guests.tsx";
import "./settings.css";
import { Tokens } from "./tokens.tsx";
import { Users } from "./users.tsx";
import { s } from "./words.ts";

interface Section {
  id: string;
  view: () => JSX.Element;
  forAdmins: boolean;
}

const SECTIONS: readonly Section[] = [
  { id: "general", view: General, forAdmins: false },
  { id: "users", view: Users, forAdmins: false },
  { id: "tokens", view: Tokens, forAdmins: true },
  { id: "channels", view: Channels, forAdmins: true },
  { id: "guests", view: Guests, forAdmins: true },
  { id: "budget", view: Budget, forAdmins: false },
  { id: "audit", view: Audit, forAdmins: true },
];

export default function Page({ params }: PageProps): JSX.Element {
  const isAdmin = session.value?.isAdmin ?? false;
  const active = params.section ?? "general";
  const section = SECTIONS.find((one) => one.id === active);
  const name = (id: string): string => (id === "users" && !isAdmin ? s("account") : s(id));
  const tabs = SECTIONS.filter((one) => isAdmin || !one.forAdmins).map(({ id }) => ({ id, label: name(id) }));
  const View = section?.view;
  const nav = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // On a phone the list of parts is wider than the screen.
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [active]);
  return (
    <>
      <PageHeader title={s("title")} />
      <div class="settings">
        <div class="settings-nav" ref={nav}>
          <Tabs tabs={tabs} active={active} href={(id) => `/ui/settings/${id}`} label={s("sections")} />
        </div>
        <div class="settings-main">
          {View === undefined && <Empty title={s("unknown_section")} />}
          {View !== undefined && section?.forAdmins && !isAdmin && <NotAllowed />}
          {View !== undefined && (isAdmin || !section?.forAdmins) && <View key={active} />}
        </div>
      </div>
    </>
  );
}
