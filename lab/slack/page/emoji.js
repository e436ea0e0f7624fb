// Names of emoji that apps like to use. One that is not here is shown by its name, as in Slack's exports.

const TABLE = `
+1 👍 -1 👎 100 💯 alarm_clock ⏰ arrow_down ⬇️ arrow_left ⬅️ arrow_right ➡️ arrow_up ⬆️ arrows_counterclockwise 🔄
ballot_box_with_check ☑️ bar_chart 📊 bell 🔔 black_circle ⚫ black_square_for_stop ⏹️ blue_heart 💙 bomb 💣 book 📖
books 📚 bookmark 🔖 brain 🧠 bricks 🧱 bug 🐛 bulb 💡 calendar 📆 card_index_dividers 🗂️ chart_with_downwards_trend 📉
chart_with_upwards_trend 📈 checkered_flag 🏁 clap 👏 clipboard 📋 clock1 🕐 cloud ☁️ coffee ☕ computer 💻 construction 🚧
cop 👮 credit_card 💳 cry 😢 desktop_computer 🖥️ dollar 💵 door 🚪 double_vertical_bar ⏸️ e-mail 📧 electric_plug 🔌
exclamation ❗ eyes 👀 fast_forward ⏩ file_folder 📁 fire 🔥 floppy_disk 💾 gear ⚙️ gem 💎 ghost 👻 globe_with_meridians 🌐
green_circle 🟢 green_heart 💚 grey_question ❔ grin 😁 hammer 🔨 hammer_and_wrench 🛠️ heart ❤️ heavy_check_mark ✔️
heavy_minus_sign ➖ heavy_multiplication_x ✖️ heavy_plus_sign ➕ hourglass ⌛ hourglass_flowing_sand ⏳ house 🏠
inbox_tray 📥 information_source ℹ️ joy 😂 key 🔑 label 🏷️ large_blue_circle 🔵 large_green_circle 🟢 large_orange_circle 🟠
large_purple_circle 🟣 large_yellow_circle 🟡 link 🔗 lock 🔒 lock_with_ink_pen 🔏 loudspeaker 📢 mag 🔍 mag_right 🔎
mailbox 📫 mega 📣 memo 📝 money_with_wings 💸 moneybag 💰 moon 🌔 mute 🔇 no_bell 🔕 no_entry ⛔ no_entry_sign 🚫
octagonal_sign 🛑 ok ✅ ok_hand 👌 open_file_folder 📂 outbox_tray 📤 package 📦 page_facing_up 📄 paperclip 📎 pause_button ⏸️
pencil ✏️ pencil2 ✏️ point_down 👇 point_left 👈 point_right 👉 point_up ☝️ pray 🙏 pushpin 📌 question ❓ raised_hands 🙌
red_circle 🔴 repeat 🔁 robot_face 🤖 rocket 🚀 rotating_light 🚨 satellite 📡 scales ⚖️ scroll 📜 see_no_evil 🙈 seedling 🌱
shield 🛡️ shrug 🤷 slightly_smiling_face 🙂 sleeping 😴 smile 😄 smiley 😃 snail 🐌 snowflake ❄️ sob 😭 sos 🆘 soon 🔜 sparkles ✨
speech_balloon 💬 star ⭐ star2 🌟 stop_button ⏹️ stop_sign 🛑 stopwatch ⏱️ sunny ☀️ sweat_smile 😅 tada 🎉 thinking_face 🤔
thought_balloon 💭 thumbsdown 👎 thumbsup 👍 timer_clock ⏲️ toolbox 🧰 traffic_light 🚦 triangular_flag_on_post 🚩 unlock 🔓
warning ⚠️ wastebasket 🗑️ wave 👋 white_check_mark ✅ white_circle ⚪ wink 😉 wrench 🔧 x ❌ yellow_heart 💛 zap ⚡ zzz 💤
`;

const words = TABLE.trim().split(/\s+/);

export const EMOJI = new Map(words.flatMap((word, index) => (index % 2 ? [] : [[word, words[index + 1]]])));
