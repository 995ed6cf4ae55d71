// Where somebody is: asked once, at check-in or in an alarm, never followed.

const PATIENCE_MS = 12_000;
const WHY = { 1: "denied", 2: "unavailable", 3: "late" };

export const here = () => new Promise((resolve) => {
  if (!navigator.geolocation) return resolve({ why: "unavailable" });
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy: coords.accuracy }),
    ({ code }) => resolve({ why: WHY[code] ?? "unavailable" }),
    { enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: 0 },
  );
});
