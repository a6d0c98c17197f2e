// Small drawings, all of one line's width; words say what they mean.

import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="ui-icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      {children}
    </svg>
  );
}

export const LogoIcon = () => (
  <svg class="ui-logo" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
    <rect width="32" height="32" rx="7" fill="#10312a" />
    <path d="M4.5 17.5h5l3-9.5 6 16 3-6.5h6" fill="none" stroke="#5fe0b0" stroke-width="2.6" stroke-linejoin="round" stroke-linecap="round" />
  </svg>
);
export const ServersIcon = () => <Icon><rect x="2" y="2.5" width="12" height="4.5" rx="1.2" /><rect x="2" y="9" width="12" height="4.5" rx="1.2" /><path d="M4.7 4.750h.01M4.7 11.250h.01" /></Icon>;
export const BellIcon = () => <Icon><path d="M4 6.500a4 4 0 0 1 8 0c0 3.5 1.5 4.5 1.5 4.500h-11S4 10 4 6.500M6.7 13.500a1.5 1.5 0 0 0 2.6 0" /></Icon>;
export const PulseIcon = () => <Icon><path d="M1.5 8.500h3l2-5.5 3 10 2-4.500h3" /></Icon>;
export const StackIcon = () => <Icon><path d="m8 2 6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3" /></Icon>;
export const RuleIcon = () => <Icon><path d="M2.5 4h7M12.5 4h1M2.5 8h2M7.5 8h6M2.5 12h6M11.5 12h2" /><circle cx="11" cy="4" r="1.3" /><circle cx="6" cy="8" r="1.3" /><circle cx="10" cy="12" r="1.3" /></Icon>;
export const GearIcon = () => <Icon><circle cx="8" cy="8" r="2.2" /><path d="M8 1.800v1.700M8 12.500v1.700M1.8 8h1.700M12.5 8h1.700M3.6 3.600l1.2 1.200M11.2 11.200l1.2 1.200M12.4 3.600l-1.2 1.200M4.8 11.200l-1.2 1.2" /></Icon>;
export const SearchIcon = () => <Icon><circle cx="7" cy="7" r="4.3" /><path d="m10.3 10.3 3.4 3.4" /></Icon>;
export const SunIcon = () => <Icon><circle cx="8" cy="8" r="3" /><path d="M8 1.300v1.400M8 13.300v1.400M1.3 8h1.400M13.3 8h1.400M3.3 3.300l1 1M11.7 11.700l1 1M12.7 3.300l-1 1M4.3 11.700l-1 1" /></Icon>;
export const MoonIcon = () => <Icon><path d="M13.5 9.700A5.8 5.8 0 0 1 6.3 2.500a5.8 5.8 0 1 0 7.2 7.2" /></Icon>;
export const ScreenIcon = () => <Icon><rect x="1.8" y="2.8" width="12.4" height="8.4" rx="1.2" /><path d="M5.5 13.700h5" /></Icon>;
export const PlusIcon = () => <Icon><path d="M8 3v10M3 8h10" /></Icon>;
export const CloseIcon = () => <Icon><path d="m4 4 8 8M12 4l-8 8" /></Icon>;
export const MenuIcon = () => <Icon><path d="M2.5 4.500h11M2.5 8h11M2.5 11.500h11" /></Icon>;
export const MoreIcon = () => <Icon><path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.2" /></Icon>;
export const ChevronIcon = () => <Icon><path d="m6 3.5 4.5 4.500L6 12.5" /></Icon>;
export const RowsIcon = () => <Icon><path d="M2.5 4h11M2.5 8h11M2.5 12h11" /></Icon>;
export const CardsIcon = () => <Icon><rect x="2" y="2" width="5" height="5" rx="1" /><rect x="9" y="2" width="5" height="5" rx="1" /><rect x="2" y="9" width="5" height="5" rx="1" /><rect x="9" y="9" width="5" height="5" rx="1" /></Icon>;
export const CopyIcon = () => <Icon><rect x="5.5" y="5.5" width="8" height="8" rx="1.2" /><path d="M10.5 5.500v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" /></Icon>;
export const CheckIcon = () => <Icon><path d="m3 8.5 3.2 3.200L13 4.8" /></Icon>;
export const GlobeIcon = () => <Icon><circle cx="8" cy="8" r="6" /><path d="M2 8h12M8 2c2.2 2 2.2 10 0 12M8 2c-2.2 2-2.2 10 0 12" /></Icon>;
export const LeaveIcon = () => <Icon><path d="M6.5 2.500h-3a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h3M10 5l3 3-3 3M13 8H6" /></Icon>;
export const BookIcon = () => <Icon><path d="M8 4.200C6.800 3.300 4.800 2.800 2 2.800v9.400c2.800 0 4.800.5 6 1.400M8 4.200c1.200-.9 3.200-1.400 6-1.400v9.400c-2.800 0-4.800.5-6 1.400M8 4.200v9.400" /></Icon>;
export const KeyboardIcon = () => <Icon><rect x="1.5" y="4" width="13" height="8" rx="1.2" /><path d="M4 6.500h.01M6.7 6.500h.01M9.3 6.500h.01M12 6.500h.01M5 9.500h6" /></Icon>;
export const ArrowIcon = () => <Icon><path d="M3 8h10M9 4l4 4-4 4" /></Icon>;
