// The frame around all pages: who may see which, the header, and what lies over everything.

import { effect } from "@preact/signals";
import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { banner, startLive, stopLive } from "../live/store.ts";
import { Questions } from "../ui/Dialog.tsx";
import { Empty, ErrorNote, Spinner, Toasts } from "../ui/feedback.tsx";
import { NotHere } from "../ui/layout.tsx";
import { Button, LinkButton } from "../ui/Button.tsx";
import { startActions } from "./actions.ts";
import { Header } from "./Header.tsx";
import { HelpDialog } from "./Help.tsx";
import { t } from "./i18n.ts";
import { Palette } from "./Palette.tsx";
import { location, restoredScroll } from "./router.ts";
import { hasPage, loadPage, match, type Needs, pageNow, type PageProps } from "./routes.ts";
import { findSession, type Session, session, sessionTrouble, sessionChanged } from "./session.ts";

const RELOADED = "edgewatch.reloaded";

export function App() {
  useEffect(() => startActions(), []);
  // The socket lives as long as somebody may look.
  useEffect(
    () =>
      effect(() => {
        if (session.value) startLive(() => void sessionChanged());
        else if (session.value === null) stopLive();
      }),
    [],
  );
  const who = session.value;
  if (who === undefined) {
    return sessionTrouble.value ? <div class="shell-alone"><ErrorNote error={sessionTrouble.value} retry={() => void findSession()} /></div> : <div class="shell-alone" aria-busy="true" />;
  }
  const { path } = location.value;
  const found = match(path);
  const wanted = found ? pageFor(found.route.page, found.route.needs, who) : "lost";
  const framed = who !== null && wanted !== "login" && wanted !== "setup";
  return (
    <>
      <a class="shell-skip" href="#content">{t("common.skip")}</a>
      {framed && <Header />}
      {framed && banner.value !== null && <p class="shell-banner" role="alert">{banner.value}</p>}
      <Shown key={wanted === "login" ? "login" : path} name={wanted} params={found?.params ?? {}} isFramed={framed} />
      {framed && <Palette />}
      <HelpDialog />
      <Questions />
      <Toasts />
    </>
  );
}

/** The page that somebody gets at an address: the one that stands there, or why not. */
function pageFor(page: string, needs: Needs, who: Session | null): string {
  if (needs === "anyone") return page;
  if (who === null) return "login";
  if (who.guest) return page !== "fleet" ? "login" : hasPage("guest") ? "guest" : page;
  if (needs === "admin" && !who.isAdmin) return "forbidden";
  return hasPage(page) ? page : "lost";
}

function Shown({ name, params, isFramed }: { name: string; params: Record<string, string>; isFramed: boolean }) {
  const [page, setPage] = useState<ComponentType<PageProps> | undefined>(() => pageNow(name));
  const [trouble, setTrouble] = useState<Error | null>(null);
  const main = useRef<HTMLElement>(null);
  const isOurs = name !== "lost" && name !== "forbidden";
  useEffect(() => {
    if (page || !isOurs) return undefined;
    let isHere = true;
    loadPage(name).then(
      (loaded) => {
        sessionStorage.removeItem(RELOADED);
        if (isHere) setPage(() => loaded);
      },
      (error: Error) => {
        // Files of an earlier deployment are gone: the shell's newer copy names those that are there.
        if (sessionStorage.getItem(RELOADED) !== name) {
          sessionStorage.setItem(RELOADED, name);
          window.location.reload();
        } else if (isHere) setTrouble(error);
      },
    );
    return () => {
      isHere = false;
    };
  }, [name]);
  useLayoutEffect(() => {
    window.scrollTo(0, restoredScroll ?? 0);
    // Whoever goes on by keyboard goes on from the new page; a field that wants the focus has it already.
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [page]);
  const Page = page;
  return (
    <main id="content" ref={main} tabIndex={-1} class={isFramed ? "shell-main" : "shell-alone"}>
      {name === "lost" && <Lost />}
      {name === "forbidden" && <Empty title={t("common.admin_only")} action={<LinkButton href="/">{t("common.back_to_fleet")}</LinkButton>} />}
      {trouble && <Broken />}
      {isOurs && !trouble && (Page ? <Guard><Page params={params} /></Guard> : <Spinner />)}
    </main>
  );
}

function Lost() {
  useEffect(() => {
    document.title = `${t("common.not_here")} · Edgewatch`;
  }, []);
  return <NotHere />;
}

function Broken() {
  return <Empty title={t("common.page_broke")} action={<Button onClick={() => window.location.reload()}>{t("common.reload")}</Button>}>{t("common.page_broke_hint")}</Empty>;
}

/** Keeps a page that throws from taking the frame with it. */
class Guard extends Component<{ children: ComponentChildren }, { broke: boolean }> {
  override state = { broke: false };

  static override getDerivedStateFromError() {
    return { broke: true };
  }

  override componentDidCatch(error: unknown) {
    console.error(error);
  }

  override render() {
    return this.state.broke ? <Broken /> : this.props.children;
  }
}
