// The head of every page: where one can go, whether it is live, how it looks, who one is. On a phone a bar at the foot.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

import { hosts, liveState } from "../live/store.ts";
import { BookIcon, CheckIcon, GlobeIcon, KeyboardIcon, LeaveIcon, LogoIcon, MoonIcon, MoreIcon, ScreenIcon, SearchIcon, SunIcon } from "../ui/icons.tsx";
import { isHelpOpen, isPaletteOpen, leave } from "./actions.ts";
import { Keys } from "./Help.tsx";
import { chooseLanguage, language, t } from "./i18n.ts";
import { isOpen, type Link, LINKS } from "./links.tsx";
import { location, navigate } from "./router.ts";
import { session } from "./session.ts";
import { chooseTheme, type Theme, theme } from "./theme.ts";

export function Header() {
  const isMember = Boolean(session.value && !session.value.guest);
  const links = isMember ? LINKS.filter((link) => !link.isHidden) : [];
  return (
    <>
      <header class="shell-header">
        <div class="shell-header-inner">
          <a class="shell-brand" href="/"><LogoIcon /><span>Edgewatch</span></a>
          {isMember && (
            <nav class="shell-nav" aria-label={t("common.navigation")}>
              {links.map((link) => <NavLink key={link.path} link={link} />)}
            </nav>
          )}
          <div class="shell-tools">
            <LiveMark />
            {isMember && (
              <button type="button" class="shell-search" onClick={() => (isPaletteOpen.value = true)}>
                <SearchIcon />
                <span>{t("common.search")}</span>
                <Keys keys="mod+k" />
              </button>
            )}
            <AccountMenu links={links} />
          </div>
        </div>
      </header>
      {isMember && (
        <nav class="shell-bar" aria-label={t("common.navigation")}>
          {links.filter((link) => link.isFirst).map((link) => <NavLink key={link.path} link={link} withIcon />)}
          <button type="button" onClick={() => (isPaletteOpen.value = true)}><SearchIcon /><span>{t("common.search")}</span></button>
        </nav>
      )}
    </>
  );
}

function NavLink({ link, withIcon }: { link: Link; withIcon?: boolean }) {
  const open = isOpen(link.path, location.value.path);
  const Icon = link.icon;
  return (
    <a href={link.path} aria-current={open ? "page" : undefined}>
      {withIcon && <Icon />}
      <span>{t(link.title)}</span>
    </a>
  );
}

/** Whether the page hears of changes. Announced when that ends, not at every count of seconds. */
function LiveMark() {
  const { live, text } = liveState.value;
  return (
    <span class="shell-live" data-live={live} data-empty={hosts.value.size === 0} title={t("common.live_hint")}>
      <span class="ui-dot" aria-hidden="true" />
      <span class="shell-live-text">{text}</span>
    </span>
  );
}

const THEMES: [Theme, () => preact.JSX.Element][] = [["system", ScreenIcon], ["light", SunIcon], ["dark", MoonIcon]];

function AccountMenu({ links }: { links: readonly Link[] }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => setOpen(false), [location.value.path]);
  useEffect(() => {
    if (!open) return undefined;
    const end = (event: Event): void => {
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        button.current?.focus();
      } else if (root.current?.contains(event.target as Node)) return;
      setOpen(false);
    };
    document.addEventListener("pointerdown", end);
    document.addEventListener("keydown", end);
    return () => {
      document.removeEventListener("pointerdown", end);
      document.removeEventListener("keydown", end);
    };
  }, [open]);
  const who = session.value;
  const name = who?.user?.name ?? (who?.guest ? t("common.guest") : t("common.by_token"));
  return (
    <div class="shell-menu" ref={root}>
      <button ref={button} type="button" class="shell-account" aria-expanded={open} aria-controls="account-menu" aria-label={`${t("common.account")}: ${name}`} onClick={() => setOpen(!open)}>
        <span class="shell-initial" aria-hidden="true">{[...name][0]?.toUpperCase()}</span>
        <MoreIcon />
      </button>
      {open && (
        <div class="shell-menu-list" id="account-menu">
          <p class="shell-menu-name"><strong>{name}</strong>{who?.user && <span class="muted">{who.user.role}</span>}</p>
          <div class="shell-menu-links">
            {links.filter((link) => !link.isFirst).map((link) => {
              const Icon = link.icon;
              return <a key={link.path} class="shell-menu-item" href={link.path}><Icon />{t(link.title)}</a>;
            })}
          </div>
          <Choice label={t("common.theme")}>
            {THEMES.map(([value, Icon]) => (
              <button key={value} type="button" aria-pressed={theme.value === value} title={t(`common.theme_${value}`)} aria-label={t(`common.theme_${value}`)} onClick={() => chooseTheme(value)}><Icon /></button>
            ))}
          </Choice>
          <Choice label={t("common.language")} icon={<GlobeIcon />}>
            <button type="button" lang="en" aria-pressed={language.value === "en"} onClick={() => chooseLanguage("en")}>English</button>
            <button type="button" lang="zh-CN" aria-pressed={language.value === "zh"} onClick={() => chooseLanguage("zh")}>中文</button>
          </Choice>
          <button type="button" class="shell-menu-item shell-menu-keys" onClick={() => {
            setOpen(false);
            isHelpOpen.value = true;
          }}><KeyboardIcon />{t("common.help")}<Keys keys="?" /></button>
          <a class="shell-menu-item" href="/docs"><BookIcon />{t("common.docs")}</a>
          {who?.guest ? (
            <button type="button" class="shell-menu-item" onClick={() => navigate("/ui/login")}><CheckIcon />{t("common.log_in")}</button>
          ) : (
            <button type="button" class="shell-menu-item" onClick={() => void leave()}><LeaveIcon />{t("common.log_out")}</button>
          )}
        </div>
      )}
    </div>
  );
}

function Choice({ label, children }: { label: string; icon?: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="shell-choice">
      <span class="muted">{label}</span>
      <div role="group" aria-label={label}>{children}</div>
    </div>
  );
}
