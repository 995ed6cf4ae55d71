// The player of a recorded conversation: skips, moments, and which of the two channels is heard.

const EARS = { both: [1, 1], left: [1, 0], right: [0, 1] };

/** Both ears hear what is chosen: one voice alone is not left in one ear. The graph is made at the first choice. */
function listener(audio) {
  let gains = null;
  return (ear) => {
    if (!gains) {
      const context = new AudioContext();
      const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
      const merger = new ChannelMergerNode(context, { numberOfInputs: 1 });
      context.createMediaElementSource(audio).connect(splitter);
      gains = [0, 1].map((channel) => {
        const gain = new GainNode(context);
        splitter.connect(gain, channel);
        gain.connect(merger, 0, 0);
        return gain;
      });
      merger.connect(context.destination);
      context.resume();
    }
    EARS[ear].forEach((loud, channel) => (gains[channel].gain.value = loud));
  };
}

for (const player of document.querySelectorAll("[data-player]")) {
  const audio = player.querySelector("audio");
  const hear = listener(audio);
  player.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.skip) audio.currentTime = Math.max(0, audio.currentTime + Number(button.dataset.skip));
    else if (button?.dataset.seek) { audio.currentTime = Number(button.dataset.seek); audio.play(); }
    else if (button && "play" in button.dataset) audio.paused ? audio.play() : audio.pause();
  });
  player.addEventListener("change", (event) => event.target.dataset.ear && hear(event.target.value));
}
