/** What every page needs. */
import { bindBulk } from "./bulk";
import { bindFragments } from "./fragments";
import { liveClient, showLiveState } from "./live";
import { bindLogTails } from "./logtail";
import { bindPresence } from "./presence";
import { bindFilters, bindRowLinks } from "./table";
import { keepTimes } from "./times";
import { bindBusy, bindConfirm, bindCopy, bindDialogs, bindMenus, bindNavigation } from "./ui";
import { bindWhy } from "./why";

keepTimes();
bindMenus();
bindNavigation();
bindConfirm();
bindDialogs();
bindCopy();
bindBusy();
bindFilters();
bindRowLinks();
bindBulk();
bindWhy();
bindFragments();
bindPresence();
bindLogTails();
if (liveClient()) showLiveState();
document.documentElement.dataset.ready = "yes";
