// Shows what the centre tells a supervisor while none of its pages need be open. What comes holds no personal data.

const TITLE = "Filodiretto";

self.addEventListener("push", (event) => {
  const told = event.data?.json() ?? {};
  const tag = `alert-${told.alert}`; // told twice, it is shown once
  event.waitUntil(
    self.registration.showNotification(TITLE, { body: told.text, tag, lang: told.language, icon: "/static/img/icon.svg", data: told.alert }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(`/alerts#alert-${event.notification.data}`));
});
